package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"natster/deploy/accounts"
	"natster/events"
	"natster/internal/test/logtest"
	"natster/workloads/catalog/client"
)

// devrun starts a world as people do: `natster devrun`, a process of its own, without the website.
func devrun(ctx context.Context, l *lab, name string) (*benchWorld, error) {
	dir, err := l.scratch(name)
	if err != nil {
		return nil, err
	}
	c, err := l.launch(ctx, dir, "devrun", "--listen", "127.0.0.1:0", "--websocket", "127.0.0.1:0", "--web", "off")
	if err != nil {
		return nil, err
	}
	return c.world(filepath.Join(dir, "world"))
}

// launch starts a command that runs until it is stopped, and waits until it says that it does.
func (l *lab) launch(ctx context.Context, home string, args ...string) (*child, error) {
	cmd := natsterCommand(ctx, l, home, append(args, "--json")...)
	said := filepath.Join(home, args[0]+".stderr") // whoever is flooded has much to say
	file, err := os.Create(said)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it is the child's
	cmd.Stderr = file
	c, err := launch(cmd)
	if err != nil {
		return nil, err
	}
	if _, err := c.line(); err != nil {
		why, _ := os.ReadFile(said)
		return nil, errors.Join(fmt.Errorf("natster %v: %w: %s", args, err, why), c.stop())
	}
	return c, nil
}

// natsterCommand is natster with home as home directory, and the world in it.
func natsterCommand(ctx context.Context, l *lab, home string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, l.natster, args...)
	cmd.Env = []string{"HOME=" + home, "NATSTER_WORLD=" + filepath.Join(home, "world")}
	return cmd
}

// An owner is an account with a catalog, who does everything with the binary.
type owner struct {
	l    *lab
	home string
	key  events.Account
}

var films = logtest.Catalog("films")

// natster runs the command as the owner, and returns what it prints.
func (o *owner) natster(ctx context.Context, args ...string) ([]byte, error) {
	out, err := natsterCommand(ctx, o.l, o.home, append(args, "--json")...).Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		err = fmt.Errorf("natster %v: %w: %s", args, err, failed.Stderr)
	}
	return out, err
}

// owner makes the account alice, whose catalog of one file of size bytes is served until the child is stopped.
func (w *benchWorld) owner(ctx context.Context, l *lab, size int) (*owner, *child, error) {
	o := &owner{l: l, home: filepath.Dir(w.dir)}
	out, err := o.natster(ctx, "init", "alice")
	if err != nil {
		return nil, nil, err
	}
	var made struct {
		Account events.Account `json:"account"`
	}
	if err := json.Unmarshal(out, &made); err != nil {
		return nil, nil, err
	}
	o.key = made.Account
	media := filepath.Join(o.home, "media")
	if _, err := grow(media, 1, size); err != nil {
		return nil, nil, err
	}
	if _, err := o.natster(ctx, "catalog", "new", films.String(), media); err != nil {
		return nil, nil, err
	}
	serving, err := l.launch(ctx, o.home, "serve", films.String())
	if err != nil {
		return nil, nil, err
	}
	go func() { // what happens, so that the pipe is never full
		for serving.lines.Scan() {
		}
	}()
	return o, serving, nil
}

// befriend lets the person use the owner's catalog, and returns a client of it when it is shared.
func (o *owner) befriend(ctx context.Context, w *benchWorld, p *person) (*client.Client, error) {
	if err := w.keeper.Import(ctx, p.key, accounts.Import{Catalog: films, Owner: o.key}); err != nil {
		return nil, err
	}
	if _, err := o.natster(ctx, "share", films.String(), p.key.String()); err != nil {
		return nil, err
	}
	return client.New(client.Config{Conn: p.nc, Account: p.key}), nil
}

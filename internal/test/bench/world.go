package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
	"natster/deploy/world"
	"natster/deploy/world/embedded"
	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/internal/test/logtest"
)

// bareEndpoint is answered in the world's process by a plain subscription of the global account: the floor for requests
// across accounts, with the same export, import and hops as a function's.
const bareEndpoint = "bare"

// worldRole runs a world in args[0] until standard input ends.
func worldRole(ctx context.Context, args []string) (err error) {
	w, err := embedded.Start(ctx, embedded.Config{Dir: args[0], Listen: "127.0.0.1:0", WebSocket: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Stop(context.WithoutCancel(ctx))) }()
	creds, err := w.Keeper().Owner(ctx, w.Info().Global)
	if err != nil {
		return err
	}
	nc, err := w.ConnectAs(ctx, creds)
	if err != nil {
		return err
	}
	defer nc.Close()
	answer := []byte(`{"code":200,"data":{}}`)
	if _, err := nc.Subscribe(events.GlobalService(bareEndpoint), func(m *nats.Msg) {
		if err := m.Respond(answer); err != nil {
			fmt.Fprintln(os.Stderr, "bench: bare answer:", err)
		}
	}); err != nil {
		return err
	}
	if err := nc.Flush(); err != nil {
		return err
	}
	return untilEOF()
}

// ready is the line with which a child says that it is.
const ready = "ready"

func untilEOF() error {
	fmt.Println(ready)
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// A child is a process of the bench in some role, or of natster.
type child struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
	end   func() error
}

// spawn starts a child and waits until it is ready.
func spawn(ctx context.Context, role string, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return spawnSelf(exec.CommandContext(ctx, self, append([]string{"role", role}, args...)...))
}

// spawnSelf starts a process of the bench, which ends with its standard input, and waits until it is ready.
func spawnSelf(cmd *exec.Cmd) (*child, error) {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	c, err := launch(cmd)
	if err != nil {
		return nil, err
	}
	c.end = stdin.Close
	if line, err := c.line(); err != nil || line != ready {
		return nil, errors.Join(fmt.Errorf("%v did not start: it said %q: %w", cmd.Args, line, err), c.stop())
	}
	return c, nil
}

// launch starts a process, which ends when it is interrupted.
func launch(cmd *exec.Cmd) (*child, error) {
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	return &child{cmd: cmd, lines: lines, end: func() error { return cmd.Process.Signal(os.Interrupt) }}, cmd.Start()
}

// interrupted is the status of a natster that was asked to end.
const interrupted = 130

// line is the next line that the child prints.
func (c *child) line() (string, error) {
	if !c.lines.Scan() {
		return "", errors.Join(io.ErrUnexpectedEOF, c.lines.Err())
	}
	return strings.TrimSpace(c.lines.Text()), nil
}

func (c *child) stop() error {
	err := c.end()
	waited := c.cmd.Wait()
	if c.cmd.ProcessState.ExitCode() == interrupted {
		waited = nil
	}
	return errors.Join(err, waited)
}

// A benchWorld is a world in a process of its own.
type benchWorld struct {
	*child
	dir    string
	info   world.Info
	keeper *accounts.Operator
}

// startWorld starts a world in which an account may ask as often as it can.
func startWorld(ctx context.Context, l *lab, name string) (*benchWorld, error) {
	dir, err := l.scratch(name)
	if err != nil {
		return nil, err
	}
	const unbounded = 1 << 20
	err = world.WriteLimits(dir, functions.Limits{Requests: unbounded, RequestsAtOnce: unbounded})
	if err != nil {
		return nil, err
	}
	c, err := spawn(ctx, "world", dir)
	if err != nil {
		return nil, err
	}
	return c.world(dir)
}

// world is the world that the child runs in dir.
func (c *child) world(dir string) (w *benchWorld, err error) {
	w = &benchWorld{child: c, dir: dir}
	if w.info, err = world.Find(dir); err == nil {
		w.keeper, err = world.OpenKeeper(dir)
	}
	if err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return w, nil
}

// A person is an account of the world with a connection and a client.
type person struct {
	key    events.Account
	creds  accounts.Creds
	nc     *nats.Conn
	client *api.Client
}

// person enrols and introduces an account.
func (w *benchWorld) person(ctx context.Context, name string) (*person, error) {
	e, err := w.keeper.Enrol(ctx, name)
	if err != nil {
		return nil, err
	}
	nc, err := w.info.Connect(ctx, e.Creds)
	if err != nil {
		return nil, err
	}
	p := &person{key: e.Account, creds: e.Creds, nc: nc, client: api.NewClient(nc)}
	return p, p.client.Initialize(ctx, p.key, "", name)
}

// strangers is how many accounts introduce initializes, enough to share with.
const strangers = 10

// introduce initializes strangers, the first accounts of package logtest.
func (w *benchWorld) introduce(ctx context.Context) error {
	nc, err := w.admin(ctx)
	if err != nil {
		return err
	}
	defer nc.Close()
	return logtest.Introduce(ctx, nc, strangers)
}

// admin is a connection to the account that owns JetStream.
func (w *benchWorld) admin(ctx context.Context) (*nats.Conn, error) {
	nc, _, err := world.Admin(ctx, w.dir, nats.Timeout(10*time.Second))
	return nc, err
}

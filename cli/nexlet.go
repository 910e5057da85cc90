package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"natster/cli/term"
	"natster/deploy/world"
	"natster/workloads/nexlet"
	"natster/workloads/nexlet/wire"
)

func nexletCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "nexlet",
		Usage:    "run functions and catalogs for a Nex node",
		Category: categoryDeploy,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "remote", Usage: "join `NEXUS` without being started by a node"},
			&cli.StringFlag{Name: "nats", Usage: "`URL` of Nex's NATS, with --remote (or set NATSTER_NEX_URL)"},
			&cli.StringFlag{Name: "creds",
				Usage: "credentials `FILE` for it, with --remote (or set NATSTER_NEX_CREDS)"},
		},
		Description: `A Nex node starts it, as nex.json says; only with --remote is it started by hand. It runs what
natster deploy up, or the stock nex CLI, deploys. Credentials come from a directory that natster admin creds makes:

   NATSTER_CREDS_DIR      what functions run as; ` + usualDir("creds") + ` if not set
   NATSTER_STATE_DIR      its own notes; ` + usualDir("state") + ` if not set
   NATSTER_CATALOGS_DIR   where the directories of catalogs are; without it none is served

   nex --config nex.json node up
   natster nexlet --remote natster --nats nats://127.0.0.1:4222`,
		Action: args(0, 0, func(ctx context.Context, c *cli.Context, _ []string) error {
			log := &term.Output{Writer: e.Stderr, Gone: e.Stdout.Gone} // all that a nexlet prints
			defer log.WatchReader(ctx)()
			config, err := e.nexletConfig(log)
			if err != nil {
				return err
			}
			if nexus := c.String("remote"); nexus != "" {
				config.Remote = &nexlet.Remote{Nexus: nexus,
					Connection: wire.ConnectionData{Servers: []string{e.nexURL(c.String("nats"))}}}
				if config.NexCreds, err = e.nexCreds(c.String("creds"), config.NexCreds); err != nil {
					return err
				}
			} else {
				place, err := nexlet.PlaceFrom(e.Getenv)
				if err != nil {
					return err
				}
				config.Place, config.Parent = &place, os.Getppid
			}
			n, err := nexlet.New(config)
			if err != nil {
				return err
			}
			if err := n.Run(ctx); !errors.Is(err, context.Canceled) {
				return err
			}
			return nil // it was interrupted, which is how it ends
		}),
	}
}

// usualDir returns where a directory of the nexlets usually is, for help.
func usualDir(name string) string { return "~/.local/share/natster/nexlet/" + name }

// nexletConfig returns what the operator of this machine says about its nexlets.
func (e *env) nexletConfig(log io.Writer) (nexlet.Config, error) {
	creds, err := e.nexletDir("NATSTER_CREDS_DIR", "creds")
	if err != nil {
		return nexlet.Config{}, err
	}
	state, err := e.nexletDir("NATSTER_STATE_DIR", "state")
	if err != nil {
		return nexlet.Config{}, err
	}
	logger := slog.New(slog.NewTextHandler(log, nil))
	service := world.Service(creds)
	c := nexlet.Config{
		Keys:      nexlet.KeyDir(creds),
		State:     state,
		Catalogs:  e.Getenv("NATSTER_CATALOGS_DIR"),
		Version:   readVersion().semantic(),
		Logger:    logger,
		Functions: service.Functions,
		Dial:      service.Connect,
	}
	c.Curve, err = service.Curve()
	switch {
	case errors.Is(err, world.ErrNoService):
		logger.Warn("nothing can be deployed here yet", "err", err)
		return c, nil
	case err != nil:
		return c, err
	}
	c.NexCreds, err = os.ReadFile(filepath.Join(creds, "nex.creds"))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // those that the node gives are used
	}
	return c, err
}

// nexletDir returns a directory of the nexlets on this machine. A node starts them without HOME.
func (e *env) nexletDir(variable, name string) (string, error) {
	dir, err := e.dirs.Path(e.Getenv(variable))
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", variable, err)
	case dir != "":
		return filepath.Abs(dir)
	}
	data, err := e.dirs.Data()
	if err != nil {
		me, whoErr := user.Current()
		if whoErr != nil || me.HomeDir == "" {
			return "", fmt.Errorf("%s is not set, and there is no home directory: %w", variable, err)
		}
		data = filepath.Join(me.HomeDir, ".local", "share", "natster")
	}
	return filepath.Join(data, "nexlet", name), nil
}

// nexURL returns where Nex's NATS is: what a flag says, or NATSTER_NEX_URL, or the usual place.
func (e *env) nexURL(flag string) string {
	return cmp.Or(flag, e.Getenv("NATSTER_NEX_URL"), nats.DefaultURL)
}

// nexCreds returns the credentials for Nex's NATS: those in the file that a flag or NATSTER_NEX_CREDS names, or
// otherwise.
func (e *env) nexCreds(flag string, otherwise []byte) ([]byte, error) {
	path, err := e.dirs.Path(cmp.Or(flag, e.Getenv("NATSTER_NEX_CREDS")))
	if path == "" && err == nil {
		return otherwise, nil
	}
	var creds []byte
	if err == nil {
		creds, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("credentials for Nex's NATS: %w", err)
	}
	return creds, nil
}

package cli

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"natster/deploy/accounts"
	"natster/deploy/world"
)

// worldAdmin is the user of the global account who may do everything in it.
const worldAdmin = "admin"

func adminCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:        "admin",
		Usage:       "mend a world on this machine",
		Category:    categoryLook,
		Description: `For whoever runs the world: these commands use its own keys.`,
		Subcommands: []*cli.Command{adminCheckCommand(e), adminRebuildCommand(e), adminCredsCommand(e), adminNATSCommand(e), adminClusterCommand(e), adminProvisionCommand(e)},
	}
}

func worldFlag() cli.Flag {
	return &cli.StringFlag{Name: "world", Usage: "`DIR` of the world (or set NATSTER_WORLD)"}
}

// adminDir is the directory of the world on this machine that is meant: the one that flag names, or the context's, or the
// usual one.
func (e *env) adminDir(flag string) (string, error) {
	if me, err := e.me(); err == nil && flag == "" && me.World != "" {
		return me.World, nil
	}
	return e.worldDir(flag)
}

// administer connects to the global account of a world on this machine: the one that flag names, or the context's, or the
// usual one. The caller closes the connection.
func (e *env) administer(ctx context.Context, flag string) (*nats.Conn, *accounts.Operator, error) {
	dir, err := e.adminDir(flag)
	if err != nil {
		return nil, nil, err
	}
	info, err := world.Find(dir)
	if err != nil {
		return nil, nil, err
	}
	keeper, err := world.OpenKeeper(dir)
	if err != nil {
		return nil, nil, err
	}
	creds, err := keeper.User(ctx, keeper.WellKnown().Global, worldAdmin, accounts.Permissions{All: true})
	if err != nil {
		return nil, nil, err
	}
	nc, err := info.Connect(ctx, creds, nats.Name("natster "+worldAdmin))
	if errors.Is(err, nats.ErrNoServers) {
		return nil, nil, errors.Join(accounts.ErrNotRunning, err)
	}
	return nc, keeper, err
}

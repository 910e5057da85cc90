package cli

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"natster/deploy/accounts"
	"natster/deploy/world"
)

func adminCredsCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "creds",
		Usage:     "write the credentials that functions need to run on Nex",
		ArgsUsage: "[DIR]",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "claim-url", Usage: "`URL` of a website's page where one-time codes are claimed"},
			worldFlag(),
		},
		Description: `Writes a directory for nexlets (NATSTER_CREDS_DIR; ` + usualDir("creds") + ` if none is given): each function's own
credentials, which permit what it declares and nothing else, and where this world is. Copy it to every machine with a Nex
node, and keep it as you keep passwords. Write it again after an update of natster.

   natster admin creds
   natster admin creds /srv/natster/creds`,
		Action: args(0, 1, func(ctx context.Context, c *cli.Context, arg []string) error {
			dir, err := e.worldDir(c.String("world"))
			if err != nil {
				return err
			}
			to, err := e.nexletDir("NATSTER_CREDS_DIR", "creds")
			if err != nil {
				return err
			}
			if len(arg) > 0 {
				to = arg[0]
			}
			fns, err := world.Export(ctx, dir, to, c.String("claim-url"))
			if errors.Is(err, accounts.ErrNotRunning) {
				return hint(err, "devrun")
			}
			if err != nil {
				return err
			}
			var names []string
			for _, f := range fns {
				names = append(names, f.Name)
			}
			return e.print(map[string]any{"directory": to, "functions": names}, func() {
				e.say("credentials of %s and the hub are in %s", count(len(names), "function"), to)
			})
		}),
	}
}

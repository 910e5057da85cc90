package cli

import (
	"context"
	"os"

	"github.com/urfave/cli/v2"
)

func catalogRmCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "rm",
		Usage:     "forget a catalog; the files stay",
		ArgsUsage: "CATALOG",
		Description: `Forgets what is in the catalog, and your descriptions. Your files are not touched, and shares are not taken back:
natster catalog unshare does that.

   natster catalog rm films`,
		Action: e.own(1, 1, func(_ context.Context, s shelf, _ *cli.Context, arg []string) error {
			name, err := s.find(arg[0])
			if err != nil {
				return err
			}
			if err := os.Remove(s.file(name)); err != nil {
				return err
			}
			return e.print(map[string]string{"catalog": name.String()}, func() {
				e.say("forgot catalog %s; its files are where they were", e.out.bold(name.String()))
			})
		}),
	}
}

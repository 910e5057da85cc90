package cli

import (
	"context"

	"github.com/urfave/cli/v2"
)

func statsCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "stats",
		Usage:    "count accounts, catalogs that are being served, and shares",
		Category: categoryLook,
		Description: `Running totals over all accounts of the world.

   natster stats`,
		Action: e.online(0, 0, func(ctx context.Context, s *session, _ *cli.Context, _ []string) error {
			t, err := s.api.Totals(ctx)
			if err != nil {
				return err
			}
			return s.print(totalsJSON{t.Accounts, t.Running, t.Shares}, func() {
				s.say("accounts         %d", t.Accounts)
				s.say("catalogs online  %d", t.Running)
				s.say("shares           %d", t.Shares)
			})
		}),
	}
}

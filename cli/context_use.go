package cli

import (
	"context"

	"github.com/urfave/cli/v2"
)

func contextUseCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:        "use",
		Usage:       "act as another account from now on",
		ArgsUsage:   "CONTEXT",
		Description: "   natster context use bob",
		Action: args(1, 1, func(_ context.Context, _ *cli.Context, arg []string) error {
			s, err := e.contexts()
			if err != nil {
				return err
			}
			c, err := s.get(arg[0])
			if err != nil {
				return err
			}
			if err := s.use(c.Name); err != nil {
				return err
			}
			return e.print(contextRow{c.Name, true, c.Account, c.URL, c.World}, func() {
				e.say("you are %s now (account %s)", e.out.bold(c.Name), c.Account.Short())
			})
		}),
	}
}

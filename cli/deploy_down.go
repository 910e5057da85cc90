package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"natster/deploy/nex"
)

func deployDownCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "down",
		Usage:     "stop what runs on Nex",
		ArgsUsage: "[NAME...]",
		Flags:     nexFlags(),
		Description: `Requests in hand are answered and the event in hand is finished. Without NAME everything of natster's in the namespace.

   natster deploy down
   natster deploy down catalog`,
		Action: e.onNex(0, -1, func(ctx context.Context, n *nex.Client, _ *cli.Context, arg []string) error {
			return e.stepped(n.Down(ctx, arg, e.reporting(nex.Options{})))
		}),
	}
}

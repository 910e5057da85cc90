package cli

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"natster/deploy/nex"
)

func deployLogsCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "logs",
		Usage:     "show the logs of what runs on Nex",
		ArgsUsage: "[NAME...]",
		Flags:     nexFlags(&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on with new lines, until Ctrl-C"}),
		Description: `The last lines that nexlets remember of each instance; with -f then each line as it comes.

   natster deploy logs otc
   natster deploy logs -f`,
		Action: e.onNex(0, -1, func(ctx context.Context, n *nex.Client, c *cli.Context, arg []string) error {
			names := make(map[string]string) // by id
			show := func(l nex.Line) error {
				if l.Name == "" {
					l.Name = names[l.Workload]
				}
				if len(arg) > 0 && !slices.Contains(arg, l.Name) && !slices.Contains(arg, l.Workload) {
					return nil
				}
				return e.printLine(l, func() { e.say("%s  %s", e.out.cyan(l.Name), l.Text) })
			}
			recent, err := n.Recent(ctx, arg...)
			if err != nil {
				return err
			}
			for _, l := range recent {
				names[l.Workload] = l.Name
				if err := show(l); err != nil {
					return err
				}
			}
			if !c.Bool("follow") {
				return nil
			}
			owners, err := n.Feeds(ctx)
			if err != nil {
				return err
			}
			var broken error
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			err = n.Logs(ctx, owners, func(l nex.Line) {
				if names[l.Workload] == "" { // started since
					if all, err := n.List(ctx, l.Workload); err == nil && len(all) == 1 {
						names[l.Workload] = all[0].Name
					}
				}
				if broken = show(l); broken != nil {
					cancel()
				}
			})
			if broken != nil {
				return broken
			}
			return err
		}),
	}
}

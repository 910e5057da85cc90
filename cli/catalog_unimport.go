package cli

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"natster/deploy/accounts"
)

func catalogUnimportCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "unimport",
		Usage:     "give an import back",
		ArgsUsage: "IMPORTED",
		Description: `What was downloaded stays. While the catalog is shared with you, it can be imported again.

   natster catalog unimport films`,
		Action: args(1, 1, func(ctx context.Context, _ *cli.Context, arg []string) error {
			me, err := e.me()
			if err != nil {
				return err
			}
			all, err := me.imports(ctx)
			if err != nil {
				return err
			}
			c, err := importCalled(arg[0], "no imported catalog", all)
			if err != nil {
				return err
			}
			keeper, err := me.keeper()
			if err != nil {
				return err
			}
			if err := keeper.Unimport(ctx, me.Account, c); err != nil {
				return err
			}
			i := all[slices.IndexFunc(all, func(i accounts.Import) bool { return i.As == c })]
			return e.print(map[string]any{"catalog": c, "owner": i.Owner}, func() {
				e.say("%s is not imported any more", e.out.bold(c.String()))
			})
		}),
	}
}

package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"natster/workloads/catalog"
)

func catalogCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "catalog",
		Usage:    "your catalogs, and those that are shared with you",
		Category: categoryShare,
		Description: `A catalog is a directory of yours under a name. Others see it when you share it with them, and while you serve it.

   natster catalog new films ~/Films
   natster catalog share films bob
   natster catalog serve

What others share with you is in your inbox until you import it.

   natster catalog inbox
   natster catalog download films --all`,
		Subcommands: []*cli.Command{
			catalogNewCommand(e), catalogServeCommand(e), catalogLsCommand(e), catalogContentsCommand(e),
			catalogDescribeCommand(e), catalogRescanCommand(e), catalogRmCommand(e),
			catalogShareCommand(e), catalogUnshareCommand(e), catalogSharesCommand(e),
			catalogInboxCommand(e), catalogImportCommand(e), catalogUnimportCommand(e),
			catalogDownloadCommand(e), catalogOpenCommand(e),
		},
	}
}

// own makes an action about the context's own catalogs, which needs no connection.
func (e *env) own(least, most int, f func(ctx context.Context, s shelf, c *cli.Context, arg []string) error) cli.ActionFunc {
	return args(least, most, func(ctx context.Context, c *cli.Context, arg []string) error {
		me, err := e.me()
		if err != nil {
			return err
		}
		s, err := e.shelf(me)
		if err != nil {
			return err
		}
		return f(ctx, s, c, arg)
	})
}

// totals is a catalog's contents in a few words.
func totals(c catalog.Contents) string { return count(len(c.Entries), "file") + ", " + size(c.Size()) }

package cli

import (
	"context"
	"os"

	"github.com/urfave/cli/v2"

	"natster/workloads/catalog"
	"natster/workloads/catalog/library"
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

func catalogDescribeCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "describe",
		Usage:     "say what a catalog, or a file in it, is",
		ArgsUsage: "CATALOG [PATH] TEXT",
		Description: `The file is named by its path or by the beginning of its hash. An empty text takes the description away.

   natster catalog describe films "what we watched"
   natster catalog describe films 2024/holiday.mp4 "the one with the goat"`,
		Action: e.own(2, 3, func(ctx context.Context, s shelf, _ *cli.Context, arg []string) error {
			name, err := s.find(arg[0])
			if err != nil {
				return err
			}
			file, text := "", arg[len(arg)-1]
			if len(arg) == 3 {
				file = arg[1]
			}
			lib, err := s.open(ctx, library.Config{}, name)
			if err != nil {
				return err
			}
			defer lib.Close()
			if err := lib.Describe(file, text); err != nil {
				return err
			}
			if file == "" {
				return e.print(map[string]string{"catalog": name.String(), "description": lib.Contents().Description}, func() {
					e.say("%s: %s", e.out.bold(name.String()), lib.Contents().Description)
				})
			}
			entry, err := lib.Find(file)
			if err != nil {
				return err
			}
			return e.print(entryAsJSON(entry), func() { e.say("%s: %s", e.out.bold(catalog.Shown(entry.Path)), entry.Description) })
		}),
	}
}

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

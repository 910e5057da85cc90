package cli

import (
	"context"
	"os"

	"github.com/urfave/cli/v2"

	"natster/cli/term"
	"natster/workloads/catalog"
	"natster/workloads/catalog/library"
)

func catalogCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "catalog",
		Usage:    "your catalogs, and those that are shared with you",
		Category: categoryShare,
		Description: `A catalog is a directory of yours under a name. Others see it when you share it with them, and
while you serve it.

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

// An ownAction is an action on the context's own catalogs, which needs no connection.
type ownAction func(ctx context.Context, s catalogFiles, c *cli.Context, arg []string) error

// own makes an action of f.
func (e *env) own(least, most int, f ownAction) cli.ActionFunc {
	return args(least, most, func(ctx context.Context, c *cli.Context, arg []string) error {
		me, err := e.me()
		if err != nil {
			return err
		}
		s, err := e.catalogFiles(me)
		if err != nil {
			return err
		}
		return f(ctx, s, c, arg)
	})
}

// totals returns how much is in a catalog.
func totals(c catalog.Contents) string {
	return term.Count(len(c.Entries), "file") + ", " + term.Bytes(c.Size())
}

func catalogDescribeCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "describe",
		Usage:     "say what a catalog, or a file in it, is",
		ArgsUsage: "CATALOG [PATH] TEXT",
		Description: `The file is named by its path or by the beginning of its hash. An empty text takes the description
away.

   natster catalog describe films "what we watched"
   natster catalog describe films 2024/holiday.mp4 "the one with the goat"`,
		Action: e.own(2, 3, func(ctx context.Context, s catalogFiles, _ *cli.Context, arg []string) error {
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
			if err := lib.Describe(file, text); err != nil {
				return err
			}
			if file == "" {
				description := lib.Contents().Description
				return e.Print(map[string]string{"catalog": name.String(), "description": description}, func() {
					e.Say("%s: %s", e.Out.Bold(name.String()), description)
				})
			}
			entry, err := lib.Find(file)
			if err != nil {
				return err
			}
			return e.Print(newEntryRow(entry), func() {
				e.Say("%s: %s", e.Out.Bold(catalog.Shown(entry.Path)), entry.Description)
			})
		}),
	}
}

func catalogRmCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "rm",
		Usage:     "forget a catalog; the files stay",
		ArgsUsage: "CATALOG",
		Description: `Forgets what is in the catalog, and your descriptions. Your files are not touched, and shares are
not taken back: natster catalog unshare does that.

   natster catalog rm films`,
		Action: e.own(1, 1, func(_ context.Context, s catalogFiles, _ *cli.Context, arg []string) error {
			name, err := s.find(arg[0])
			if err != nil {
				return err
			}
			if err := os.Remove(s.file(name)); err != nil {
				return err
			}
			return e.Print(map[string]string{"catalog": name.String()}, func() {
				e.Say("forgot catalog %s; its files are where they were", e.Out.Bold(name.String()))
			})
		}),
	}
}

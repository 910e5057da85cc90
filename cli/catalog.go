package cli

import (
	"context"
	"os"

	"github.com/urfave/cli/v2"

	"natster/cli/term"
	"natster/workloads/catalog"
	"natster/workloads/catalog/library"
	"natster/workloads/catalog/server"
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
		Subcommands: []*cli.Command{{
			Name:      "new",
			Usage:     "make a catalog of a directory",
			ArgsUsage: "NAME DIR",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "description", Aliases: []string{"d"},
					Usage: "`TEXT` that others see beside the name"},
			},
			Description: `Looks through the directory and remembers what is there. Nothing is copied, and nobody sees it
until you share it. The name is letters and digits; others may have a catalog of the same name, and only your own have
to differ.

   natster catalog new films ~/Films --description "what we watched"`,
			Action: e.offline(2, 2, (*session).newCatalog),
		}, {
			Name:      "serve",
			Usage:     "serve your catalogs until Ctrl-C, and follow their directories",
			ArgsUsage: "[CATALOG...]",
			Description: `Without a name all your catalogs are served, also those that you make meanwhile. What changes
in a directory shows at once. A terminal shows who reads what and how fast; elsewhere who lists and downloads what is a
line. If the world is not there, or a directory, serve waits for it.

Who reads much slows down nobody else. To keep some of your line for yourself, set --limit: bytes as 5MB/s, bits as
40Mbit/s. Your own machines get everything as fast as it goes.

   natster catalog serve films
   natster catalog serve --limit 5MB/s --sessions 32`,
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "limit", Usage: "upload at most `RATE` of files to others, in all"},
				&cli.IntFlag{Name: "sessions", Usage: "files that one account may read at a time: `N`",
					Value: server.DefaultLimits().CallerSessions},
			},
			Before: func(c *cli.Context) error {
				_, err := serveLimits(c)
				return err
			},
			Action: e.offline(0, -1, (*session).serve),
		}, {
			Name:  "ls",
			Usage: "list your catalogs and those you have imported",
			Description: `Your own come first. Whether a catalog is being served is known only of catalogs that are
shared, and while the world runs.

   natster catalog ls`,
			Action: e.offline(0, 0, (*session).listCatalogs),
		}, {
			Name:      "contents",
			Usage:     "list what is in a catalog, yours or an imported one",
			ArgsUsage: "CATALOG",
			Flags: []cli.Flag{
				&cli.BoolFlag{Name: "long", Aliases: []string{"l"},
					Usage: "whole hashes and descriptions, and when files were modified"},
			},
			Description: `Files are named by their path, or by the beginning of their hash, wherever a file is asked
for. Your own catalog is listed as of its last scan; another's is asked for now, so its owner has to serve it.

   natster catalog contents films`,
			Action: e.offline(1, 1, (*session).showContents),
		}, {
			Name:      "describe",
			Usage:     "say what a catalog, or a file in it, is",
			ArgsUsage: "CATALOG [PATH] TEXT",
			Description: `The file is named by its path or by the beginning of its hash. An empty text takes the
description away.

   natster catalog describe films "what we watched"
   natster catalog describe films 2024/holiday.mp4 "the one with the goat"`,
			Action: e.offline(2, 3, (*session).describe),
		}, {
			Name:      "rescan",
			Usage:     "look through a catalog's directory again",
			ArgsUsage: "CATALOG",
			Description: `Reads what is new or changed, and nothing else. While a catalog is served it follows its
directory by itself. A disk that is away, or lost nearly all its files, is not believed to be emptied: its files stay
listed.

   natster catalog rescan films
   natster catalog rescan films --accept-empty`,
			Flags: []cli.Flag{
				&cli.BoolFlag{Name: "accept-empty", Usage: "what is not there is gone for good: forget it"},
			},
			Action: e.offline(1, 1, (*session).rescan),
		}, {
			Name:      "rm",
			Usage:     "forget a catalog; the files stay",
			ArgsUsage: "CATALOG",
			Description: `Forgets what is in the catalog, and your descriptions. Your files are not touched, and shares
are not taken back: natster catalog unshare does that.

   natster catalog rm films`,
			Action: e.offline(1, 1, (*session).forget),
		}, {
			Name:      "share",
			Usage:     "let an account browse and download a catalog",
			ArgsUsage: "CATALOG ACCOUNT",
			Description: `The account is named by its key, or by the name that you gave it as a contact. The first share
of a name makes the name yours for ever.

   natster catalog share films bob`,
			Action: e.online(2, 2, (*session).share),
		}, {
			Name:      "unshare",
			Usage:     "take a share back; downloads that are under way end",
			ArgsUsage: "CATALOG ACCOUNT",
			Description: `What was downloaded before stays where it is.

   natster catalog unshare films bob`,
			Action: e.online(2, 2, (*session).unshare),
		}, {
			Name:  "shares",
			Usage: "list what you share, and what is shared with you",
			Description: `   natster catalog shares
   natster catalog shares --json`,
			Action: e.online(0, 0, (*session).listShares),
		}, {
			Name:      "inbox",
			Usage:     "list what is shared with you and not imported yet",
			ArgsUsage: "[ACCOUNT]",
			Description: `Each account has a line, those that have a name here first. What an account shares comes with
the line that imports it; if that is more than one catalog, name the account. Accounts that you block (natster contacts
block) are left out.

   natster catalog inbox
   natster catalog inbox alice`,
			Action: e.online(0, 1, (*session).showInbox),
		}, {
			Name:      "import",
			Usage:     "import a catalog that is shared with you",
			ArgsUsage: "SHARED [OWNER]",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "as", Usage: "the `NAME` that it has here, if that is not to be its owner's"},
			},
			Description: `natster catalog inbox prints the line to type. The owner may be left out if only one shares a
catalog by that name. Two catalogs of one name, or one that is called like your own, have to be told apart: --as gives
an import another name here. To import again under another name renames it.

   natster catalog import films alice
   natster catalog import films alice --as alicefilms`,
			Action: e.online(1, 2, (*session).importCatalog),
		}, {
			Name:      "unimport",
			Usage:     "give an import back",
			ArgsUsage: "IMPORTED",
			Description: `What was downloaded stays. While the catalog is shared with you, it can be imported again.

   natster catalog unimport films`,
			Action: e.offline(1, 1, (*session).unimport),
		}, {
			Name:      "download",
			Usage:     "download files, directories, or all of a catalog",
			ArgsUsage: "CATALOG [PATH...]",
			Flags: []cli.Flag{
				&cli.StringFlag{
					Name: "out", Aliases: []string{"o"},
					Usage: "`DIR` for the files (default: named like the catalog), or - for stdout",
				},
				&cli.BoolFlag{Name: "all", Usage: "everything in the catalog"},
				&cli.BoolFlag{Name: "overwrite", Usage: "replace other files that are in the way"},
				&cli.BoolFlag{Name: "wait", Usage: "for an owner who is not there, until it comes or you press Ctrl-C"},
				&cli.IntFlag{Name: "parallel", Aliases: []string{"jobs"}, Usage: "`N` files at a time", Value: 4},
			},
			Description: `PATH is a file, a directory, or the beginning of a file's hash; of a file or directory its
name will do, where there is only one. In quotes it can be a pattern: '*.jpg' is those files wherever they are,
'videos/*' those of a directory, 'videos/**' also those below. A file has its name only when it is whole and its hash is
right; until then it is .partial, and the same command goes on where an earlier one was interrupted.

   natster catalog download films 2024/holiday.mp4 series/ 9f86d081
   natster catalog download films '*.jpg' 'series/**/*.srt'
   natster catalog download films photo.jpg -o - | feh -
   natster catalog download films --all -o ~/Videos`,
			Before: func(c *cli.Context) error {
				switch n := c.NArg(); {
				case n == 1 && !c.Bool("all"):
					return misused(c.Command, "name what to download, or ask for everything with --all")
				case c.Int("parallel") < 1:
					return misused(c.Command, "--parallel (or --jobs) is how many files come at a time, at least 1")
				case n > 1 && c.Bool("all"):
					return misused(c.Command, "--all is everything; no path goes with it")
				}
				return nil
			},
			Action: e.online(1, -1, (*session).download),
		}, {
			Name:      "open",
			Usage:     "play a file, or click through a catalog, without saving it",
			ArgsUsage: "CATALOG [PATH]",
			Flags: []cli.Flag{
				&cli.BoolFlag{Name: "browser", Usage: "show it in your browser"},
			},
			Description: `Prints an address and answers there until Ctrl-C; players can seek. Only this machine can
reach it, and there only who knows the address. PATH can be the beginning of a hash, or a folder. Without PATH, or with
a folder, the address is a page to click through; a playlist and a directory that file managers mount are there, too.

   natster catalog open films 2024/holiday.mp4
   natster catalog open films`,
			Action: e.online(1, 2, (*session).open),
		}},
	}
}

// totals returns how much is in a catalog.
func totals(c catalog.Contents) string {
	return term.Count(len(c.Entries), "file") + ", " + term.Bytes(c.Size())
}

func (s *session) describe(ctx context.Context, _ *cli.Context, arg []string) error {
	name, err := s.files.find(arg[0])
	if err != nil {
		return err
	}
	file, text := "", arg[len(arg)-1]
	if len(arg) == 3 {
		file = arg[1]
	}
	lib, err := s.files.open(ctx, library.Config{}, name)
	if err != nil {
		return err
	}
	if err := lib.Describe(file, text); err != nil {
		return err
	}
	if file == "" {
		description := lib.Contents().Description
		return s.Print(map[string]string{"catalog": name.String(), "description": description}, func() {
			s.Say("%s: %s", s.Out.Bold(name.String()), description)
		})
	}
	entry, err := lib.Contents().Find(file)
	if err != nil {
		return err
	}
	return s.Print(newEntryRow(entry), func() {
		s.Say("%s: %s", s.Out.Bold(catalog.Shown(entry.Path)), entry.Description)
	})
}

func (s *session) forget(_ context.Context, _ *cli.Context, arg []string) error {
	name, err := s.files.find(arg[0])
	if err != nil {
		return err
	}
	if err := os.Remove(s.files.file(name)); err != nil {
		return err
	}
	return s.Print(map[string]string{"catalog": name.String()}, func() {
		s.Say("forgot catalog %s; its files are where they were", s.Out.Bold(name.String()))
	})
}

package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"natster/workloads/catalog"
	"natster/workloads/catalog/library"
)

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

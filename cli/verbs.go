package cli

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// shortVerbs are the commands of natster catalog that can be typed without the word catalog, and how.
var shortVerbs = []struct{ short, long string }{
	{"share", "share"},
	{"unshare", "unshare"},
	{"serve", "serve"},
	{"ls", "ls"},
	{"get", "download"},
	{"open", "open"},
}

// shortCommands are the commands of catalog, a group, that have a short name: the same command, with examples that are
// typed in the short way.
func shortCommands(catalog *cli.Command) []*cli.Command {
	var all []*cli.Command
	for _, v := range shortVerbs {
		c := *named(catalog.Subcommands, v.long)
		long := "natster " + catalog.Name + " " + v.long
		c.Name, c.Category, c.Subcommands = v.short, categoryUse, nil
		c.Description = strings.ReplaceAll(c.Description, long, "natster "+v.short) + "\n\nThe same as: " + long
		all = append(all, &c)
	}
	return all
}

// shortFor is the short name of a command that goes by a long one, or nothing: "natster get" for "natster catalog download".
func shortFor(name string) string {
	for _, v := range shortVerbs {
		if name == "natster catalog "+v.long {
			return "natster " + v.short
		}
	}
	return ""
}

// elsewhere are the full names of the commands called name, wherever in the tree they are.
func elsewhere(app *cli.App, name string) []string {
	var all []string
	each(app.Commands, app.Name, func(c *cli.Command, full string) {
		if c.HasName(name) && shortFor(full) != full {
			all = append(all, full)
		}
	})
	return all
}

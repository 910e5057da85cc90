package cli

import (
	"context"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"natster/cli/completion"
)

// The headings that the list of commands has.
const (
	categoryStart  = "Start"
	categoryUse    = "Every day"
	categoryShare  = "All about catalogs and people"
	categoryDeploy = "On more machines"
	categoryLook   = "Look and repair"
)

// Main runs one command line and returns the exit code: 0 done, also if the reader of the results has gone; 1 failed; 2
// misused; 130 interrupted through ctx. When it returns, nothing of the command runs any more.
func Main(ctx context.Context, o Outside) int {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	e := newEnv(o, func() { end(errReaderGone) })
	app := newApp(e)
	if words, bash, asked := completion.Asked(o.Args); asked {
		e.complete(ctx, app, words, bash)
		return exitDone
	}
	l, err := e.arrange(app, o.Args)
	e.actAs(l.context)
	switch {
	case err != nil:
		if slices.Contains(o.Args, "--json") { // also behind what is wrong
			e.InJSON()
		}
		return e.fail(ctx, err)
	case l.topic != "":
		e.explain(l.topic)
		return e.fail(ctx, nil)
	case l.help:
		e.help(app, l.command)
		return e.fail(ctx, nil)
	}
	return e.fail(ctx, app.RunContext(ctx, l.args))
}

// newApp returns the tree of all commands. It keeps nothing outside e, so that several can run in one process.
func newApp(e *env) *cli.App {
	catalog := catalogCommand(e)
	app := &cli.App{
		Name:  "natster",
		Usage: "share media from your own machine with your friends",
		Description: `Nothing is uploaded: a catalog is a directory of yours, and is there for as long as you serve it.
What friends download travels encrypted from your machine to theirs.

See it work in ten seconds, on this machine alone:
   natster demo

Then for real, in two terminals:
   natster devrun
   natster init alice`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print results as JSON"},
			&cli.StringFlag{Name: "context", Usage: "act as the account of context `NAME` (or set NATSTER_CONTEXT)"},
			&cli.BoolFlag{Name: "verbose", Usage: "say on stderr what happens inside"},
			&cli.BoolFlag{Name: "help", Aliases: []string{"h"}, Usage: "explain a command"},
		},
		Before: func(c *cli.Context) error {
			if c.Bool("json") {
				e.InJSON()
			}
			e.verbose = c.Bool("verbose")
			return nil
		},
		Commands: slices.Concat([]*cli.Command{
			demoCommand(e), devrunCommand(e), initCommand(e), whoamiCommand(e), loginCommand(e), logoutCommand(e),
			webCommand(e),
		}, shortCommands(catalog), []*cli.Command{
			catalog, contactsCommand(e), contextCommand(e),
			deployCommand(e), nexletCommand(e),
			statsCommand(e), eventsCommand(e), adminCommand(e),
			completionCommand(e), versionCommand(e),
		}),
		Writer:         e.Stdout,
		ErrWriter:      io.Discard,
		ExitErrHandler: func(*cli.Context, error) {}, // Main decides how the process ends
		HideHelp:       true,                         // the library's help flag is shared by all apps of a process
		HideVersion:    true,
		OnUsageError:   usageError,
	}
	each(app.Commands, app.Name, func(c *cli.Command, name string) {
		c.HideHelp = true
		if c.Name == "ls" {
			c.Aliases = []string{"list"}
		}
		c.UsageText = strings.TrimSpace(name + " " + c.ArgsUsage)
		c.OnUsageError = usageError
		if c.Subcommands != nil {
			c.Action = func(*cli.Context) error { return nil } // arrange shows the group's help instead
		}
	})
	return app
}

// usageError returns what is wrong with a flag's value, for a person.
func usageError(c *cli.Context, err error, _ bool) error {
	text := err.Error()
	if m := flagValueError.FindStringSubmatch(text); m != nil {
		text = dashed(m[2]) + " " + m[1] + ": not a number that can stand here"
	}
	return misused(c.Command, "%s", text)
}

var flagValueError = regexp.MustCompile(
	`^invalid value (".*") for flag -([a-z-]+): (?:parse error|value out of range)$`)

// fullName returns the name of a command with those of its groups.
func fullName(c *cli.Command) string {
	return strings.TrimSpace(strings.TrimSuffix(c.UsageText, c.ArgsUsage))
}

// each calls f for every command and its full name.
func each(commands []*cli.Command, above string, f func(c *cli.Command, name string)) {
	for _, c := range commands {
		name := above + " " + c.Name
		f(c, name)
		each(c.Subcommands, name, f)
	}
}

// An action is what a command does with its arguments.
type action func(ctx context.Context, c *cli.Context, arg []string) error

// args makes an action of f for a number of arguments. A negative most is any number.
func args(least, most int, f action) cli.ActionFunc {
	return func(c *cli.Context) error {
		switch n := c.NArg(); {
		case n < least:
			return misused(c.Command, "%s is missing", placeholder(c.Command.ArgsUsage, n))
		case most >= 0 && n > most:
			return misused(c.Command, "%q is one argument too many", c.Args().Get(most))
		}
		return f(c.Context, c, c.Args().Slice())
	}
}

// shortVerbs are the commands of natster catalog that can be typed without the word catalog.
var shortVerbs = []struct{ short, long string }{
	{"share", "share"},
	{"unshare", "unshare"},
	{"serve", "serve"},
	{"ls", "ls"},
	{"get", "download"},
	{"open", "open"},
}

// shortCommands returns the commands of the group catalog that have a short name, under that name, also in their
// examples.
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

// shortFor returns the short name of a command, or nothing: "natster get" for "natster catalog download".
func shortFor(c *cli.Command) string {
	for _, v := range shortVerbs {
		if fullName(c) == "natster catalog "+v.long {
			return "natster " + v.short
		}
	}
	return ""
}

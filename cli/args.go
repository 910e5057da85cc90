package cli

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"natster/cli/hint"
	"natster/cli/term"
)

// A line is a parsed command line.
type line struct {
	args    []string     // as the library wants them: flags before arguments, the flags of every command first
	command *cli.Command // its Subcommands are all commands for natster itself
	words   []string     // the command's arguments
	help    bool         // explain the command instead of running it
	topic   string       // explain this of topics instead

	context string // the value of --context
}

// arrange parses args, program name first. Flags may stand anywhere; the library wants those of every command first,
// and those of a command before its arguments. In paths, ~ at the beginning is replaced.
func (e *env) arrange(app *cli.App, args []string) (line, error) {
	root := &cli.Command{
		Name: app.Name, Usage: app.Usage, Description: app.Description, Subcommands: app.Commands,
		UsageText: "natster COMMAND [ARGUMENTS]", ArgsUsage: "COMMAND [ARGUMENTS]",
	}
	l := line{command: root}
	var global, names, own []string
	for i := 1; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			l.words = append(l.words, args[i+1:]...)
			i = len(args)
		case len(a) > 1 && a[0] == '-':
			name, value, joined := strings.Cut(strings.TrimLeft(a, "-"), "=")
			if name == "help" || name == "h" {
				l.help = true
				continue
			}
			if name == "version" && l.command == root {
				l.command, names, own = named(app.Commands, "version"), []string{"version"}, nil
				continue
			}
			to, f := &own, flagNamed(l.command.Flags, name)
			if g := flagNamed(app.Flags, name); g != nil {
				to, f = &global, g
			}
			if f == nil {
				return l, l.unknownFlag(app, a, name)
			}
			what, _ := described(f)
			if what == "" { // it takes no value
				*to = append(*to, a)
				continue
			}
			if !joined {
				if i++; i == len(args) {
					return l, misused(l.command, "%s needs a value", a)
				}
				value = args[i]
			}
			if isPath(what) {
				var err error
				if value, err = e.dirs.Path(value); err != nil {
					return l, misused(l.command, "%s: %v", dashed(name), err)
				}
			}
			*to = append(*to, dashed(name)+"="+value)
			if name == "context" {
				l.context = value
			}
		case l.command.Subcommands != nil && len(l.words) == 0:
			if a == "help" {
				l.help = true
				continue
			}
			c := named(l.command.Subcommands, a)
			if _, is := topics[a]; c == nil && l.help && l.command == root && is {
				l.topic = a
				continue
			}
			if c == nil {
				return l, l.unknownCommand(app, a)
			}
			l.command, names = c, append(names, c.Name)
		default:
			l.words = append(l.words, a)
		}
	}
	if l.command.Subcommands != nil { // a group, or nothing at all
		l.help = true
	}
	if err := e.expandPaths(l); err != nil {
		return l, err
	}
	l.args = slices.Concat([]string{app.Name}, global, names, own, []string{"--"}, l.words)
	return l, nil
}

func (l line) unknownFlag(app *cli.App, arg, name string) error {
	var known []string
	for _, f := range slices.Concat(l.command.Flags, app.Flags) {
		known = append(known, f.Names()...)
	}
	if near := hint.Closest(name, known); near != "" {
		arg += "; did you mean " + dashed(near) + "?"
	}
	return misused(l.command, "%s has no flag %s", fullName(l.command), arg)
}

// unknownCommand returns the error for a name that is not a command, with what was probably meant: a command of that
// name in another group, or one with a similar name in this group, or in another.
func (l line) unknownCommand(app *cli.App, name string) error {
	level, group := l.command.Subcommands, fullName(l.command)
	m := &misuse{group + " has no command " + term.Quoted(name), group + " --help"}
	var everywhere []*cli.Command
	each(app.Commands, app.Name, func(c *cli.Command, _ string) { everywhere = append(everywhere, c) })
	called := func(name string) []*cli.Command {
		return slices.DeleteFunc(slices.Clone(everywhere), func(c *cli.Command) bool { return !c.HasName(name) })
	}
	meant := called(name)
	if len(meant) == 0 {
		if near := hint.Closest(name, namesOf(level)); near != "" {
			m.message += "; did you mean " + near + "?"
			m.usage = named(level, near).UsageText
			return m
		}
		meant = called(hint.Closest(name, namesOf(everywhere)))
	}
	switch len(meant) {
	case 0:
	case 1:
		m.message += "; did you mean " + fullName(meant[0])
		if short := shortFor(meant[0]); short != "" {
			m.message += " (or: " + short + ")"
		}
		m.message += "?"
		m.usage = meant[0].UsageText
	default:
		m.message += "; did you mean " + term.Alternatives(hint.Names(meant, fullName)) + "?"
		m.usage = fullName(meant[0]) + " --help"
	}
	return m
}

// namesOf returns the names of commands, their other names too.
func namesOf(commands []*cli.Command) (names []string) {
	for _, c := range commands {
		names = append(names, c.Names()...)
	}
	return names
}

func named(level []*cli.Command, name string) *cli.Command {
	for _, c := range level {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

func flagNamed(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func dashed(flag string) string {
	if len(flag) == 1 {
		return "-" + flag
	}
	return "--" + flag
}

// isPath reports whether a placeholder in a usage stands for a path on this machine. PATH does not: it is in a catalog.
func isPath(placeholder string) bool { return placeholder == "DIR" || placeholder == "FILE" }

// expandPaths replaces ~ in the arguments of l that are paths, as the usage has them.
func (e *env) expandPaths(l line) error {
	if l.help {
		return nil
	}
	for i, w := range l.words {
		if !isPath(placeholder(l.command.ArgsUsage, i)) {
			continue
		}
		var err error
		if l.words[i], err = e.dirs.Path(w); err != nil {
			return misused(l.command, "%v", err)
		}
	}
	return nil
}

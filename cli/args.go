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
	args  []string       // as the library wants them: flags before arguments, the flags of every command first
	path  []*cli.Command // the command and its groups, outermost first; empty for natster itself
	words []string       // the command's arguments
	help  bool           // explain the command instead of running it
	topic string         // explain this of topics instead

	context string // the value of --context
}

// arrange parses args, program name first. Flags may stand anywhere; the library wants those of every command first,
// and those of a command before its arguments. In paths, ~ at the beginning is replaced.
func (e *env) arrange(app *cli.App, args []string) (line, error) {
	var l line
	var global, own []string
	level := app.Commands
	flags := app.Flags
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
			if name == "version" && len(l.path) == 0 {
				own, l.path, level = nil, []*cli.Command{named(app.Commands, "version")}, nil
				continue
			}
			to, f := &own, flagNamed(flags, name)
			if g := flagNamed(app.Flags, name); g != nil {
				to, f = &global, g
			}
			if f == nil {
				return l, l.unknownFlag(app, a, name, flags)
			}
			if takesValue(f) && !joined {
				if i++; i == len(args) {
					return l, misused(l.command(), "%s needs a value", a)
				}
				value = args[i]
			}
			if isPath(flagPlaceholder(f)) {
				var err error
				if value, err = e.dirs.Path(value); err != nil {
					return l, misused(l.command(), "%s: %v", dashed(name), err)
				}
			}
			if takesValue(f) {
				*to = append(*to, dashed(name)+"="+value)
			} else {
				*to = append(*to, a)
			}
			if name == "context" {
				l.context = value
			}
		case level != nil && len(l.words) == 0:
			if a == "help" {
				l.help = true
				continue
			}
			c := named(level, a)
			if _, is := topics[a]; c == nil && l.help && len(l.path) == 0 && is {
				l.topic = a
				continue
			}
			if c == nil {
				return l, l.unknownCommand(app, a, level)
			}
			l.path = append(l.path, c)
			level, flags = c.Subcommands, c.Flags
		default:
			l.words = append(l.words, a)
		}
	}
	if level != nil { // a group, or nothing at all
		l.help = true
	}
	if err := e.expandPaths(l); err != nil {
		return l, err
	}
	l.args = append([]string{app.Name}, global...)
	for _, c := range l.path {
		l.args = append(l.args, c.Name)
	}
	l.args = append(l.args, own...)
	l.args = append(append(l.args, "--"), l.words...)
	return l, nil
}

// command returns the command, or nil for natster itself.
func (l line) command() *cli.Command {
	if len(l.path) == 0 {
		return nil
	}
	return l.path[len(l.path)-1]
}

func (l line) name() string {
	s := "natster"
	for _, c := range l.path {
		s += " " + c.Name
	}
	return s
}

func (l line) unknownFlag(app *cli.App, arg, name string, flags []cli.Flag) error {
	var known []string
	for _, f := range slices.Concat(flags, app.Flags) {
		known = append(known, f.Names()...)
	}
	if near := hint.Closest(name, known); near != "" {
		return misused(l.command(), "%s has no flag %s; did you mean %s?", l.name(), arg, dashed(near))
	}
	return misused(l.command(), "%s has no flag %s", l.name(), arg)
}

// unknownCommand returns the error for a name that is not a command, with what was probably meant: a command of that
// name in another group, or one with a similar name in this group, or in another.
func (l line) unknownCommand(app *cli.App, name string, level []*cli.Command) error {
	m := &misuse{l.name() + " has no command " + term.Quoted(name), l.name() + " --help"}
	meant := elsewhere(app, name)
	if len(meant) == 0 {
		if near := hint.Closest(name, namesOf(level)); near != "" {
			m.message += "; did you mean " + near + "?"
			m.usage = usageLine(named(level, near))
			return m
		}
		var all []string
		each(app.Commands, app.Name, func(c *cli.Command, _ string) { all = append(all, c.Names()...) })
		if near := hint.Closest(name, all); near != "" {
			meant = elsewhere(app, near)
		}
	}
	switch len(meant) {
	case 0:
	case 1:
		m.message += "; did you mean " + meant[0]
		if short := shortFor(meant[0]); short != "" {
			m.message += " (or: " + short + ")"
		}
		m.message += "?"
		m.usage = meant[0] + " --help"
		each(app.Commands, app.Name, func(c *cli.Command, full string) {
			if full == meant[0] {
				m.usage = usageLine(c)
			}
		})
	default:
		m.message += "; did you mean " + term.Alternatives(meant) + "?"
		m.usage = meant[0] + " --help"
	}
	return m
}

func namesOf(level []*cli.Command) []string {
	var all []string
	for _, c := range level {
		all = append(all, c.Names()...)
	}
	return all
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

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
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
	cmd := l.command()
	if cmd == nil || cmd.Subcommands != nil || l.help {
		return nil
	}
	for i, w := range l.words {
		if !isPath(placeholder(cmd.ArgsUsage, i)) {
			continue
		}
		var err error
		if l.words[i], err = e.dirs.Path(w); err != nil {
			return misused(cmd, "%v", err)
		}
	}
	return nil
}

// flagPlaceholder returns the name of a flag's value in its usage, or nothing.
func flagPlaceholder(f cli.Flag) string {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok || !d.TakesValue() {
		return ""
	}
	name, _ := unquoteUsage(d) // the rest is the usage itself
	return name
}

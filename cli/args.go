package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// A line is a command line, taken apart.
type line struct {
	args  []string       // as the library wants it: flags before arguments, those of every command at the very front
	path  []*cli.Command // the command and its groups, outermost first; empty for natster itself
	words []string       // the command's arguments
	help  bool           // explain the command instead of running it
	topic string         // explain this instead; see topics

	context string // the value of --context
}

// arrange takes args apart, program name first. The library ends a command's flags at its first argument and wants the
// global ones before the command; people do not, and need not. Paths that begin with ~ are written out.
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
				if value, err = e.path(value); err != nil {
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
	if err := e.writeOutPaths(l); err != nil {
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

// command is the command that is meant, or nil for natster itself.
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
	if near := closest(name, known); near != "" {
		return misused(l.command(), "%s has no flag %s; did you mean %s?", l.name(), arg, dashed(near))
	}
	return misused(l.command(), "%s has no flag %s", l.name(), arg)
}

// unknownCommand says what was meant: a command of exactly that name elsewhere, or a similar one here, or a similar one
// elsewhere.
func (l line) unknownCommand(app *cli.App, name string, level []*cli.Command) error {
	m := &misuse{l.name() + " has no command " + quoted(name), l.name() + " --help"}
	meant := elsewhere(app, name)
	if len(meant) == 0 {
		if near := closest(name, namesOf(level)); near != "" {
			m.message += "; did you mean " + near + "?"
			m.usage = usageLine(named(level, near))
			return m
		}
		var all []string
		each(app.Commands, app.Name, func(c *cli.Command, _ string) { all = append(all, c.Names()...) })
		if near := closest(name, all); near != "" {
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
		m.message += "; did you mean " + alternatives(meant) + "?"
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

// isPath tells whether a placeholder in a usage stands for something on this machine's disk. A PATH is none: it is one in a
// catalog.
func isPath(placeholder string) bool { return placeholder == "DIR" || placeholder == "FILE" }

// path writes out ~ at the beginning of a path: a shell does not where the path follows a =, or is quoted.
func (e *env) path(p string) (string, error) {
	if p == "" || p[0] != '~' {
		return p, nil
	}
	user, below, _ := strings.Cut(filepath.ToSlash(p[1:]), "/")
	if user != "" {
		return "", fmt.Errorf("%s is taken for somebody's home, which is not looked up: write the path in full (%s if it is called so)",
			quoted("~"+user), quoted("./"+p))
	}
	home := e.Getenv("HOME")
	if home == "" {
		return "", fmt.Errorf("%s is in your home directory, but HOME is not set", quoted(p))
	}
	return filepath.Join(home, filepath.FromSlash(below)), nil
}

// writeOutPaths does so with the arguments of l that its usage says are paths.
func (e *env) writeOutPaths(l line) error {
	cmd := l.command()
	if cmd == nil || cmd.Subcommands != nil || l.help {
		return nil
	}
	for i, w := range l.words {
		if !isPath(placeholder(cmd.ArgsUsage, i)) {
			continue
		}
		var err error
		if l.words[i], err = e.path(w); err != nil {
			return misused(cmd, "%v", err)
		}
	}
	return nil
}

// firstPath is the first of values that is set, with ~ written out.
func (e *env) firstPath(values ...string) (string, error) {
	i := slices.IndexFunc(values, func(v string) bool { return v != "" })
	if i < 0 {
		return "", nil
	}
	return e.path(values[i])
}

// flagPlaceholder is the name of a flag's value in its usage, or nothing.
func flagPlaceholder(f cli.Flag) string {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok || !d.TakesValue() {
		return ""
	}
	name, _ := unquoteUsage(d) // the rest is the usage itself
	return name
}

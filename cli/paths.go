package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

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

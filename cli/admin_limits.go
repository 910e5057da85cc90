package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"natster/cli/hint"
	"natster/cli/term"
	"natster/deploy/world"
	"natster/functions"
)

func limitsCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "limits",
		Usage:     "show or set what one account may take of what all share",
		ArgsUsage: "[NAME=VALUE...]",
		Flags:     []cli.Flag{worldFlag()},
		Description: `Without NAME=VALUE it shows them. VALUE is a whole number, or "default". The world has what is set
from its next start on, and accounts that exist get it then, too. Functions on Nex get it with natster admin creds and
their next start; a world on NATS servers of its own with natster admin provision.

   natster admin limits
   natster admin limits connections=64 codes=default`,
		Action: args(0, -1, e.limits),
	}
}

func (e *env) limits(_ context.Context, c *cli.Context, arg []string) error {
	dir, err := e.adminDir(c.String("world"))
	if err != nil {
		return err
	}
	if _, err := world.OpenKeeper(dir); err != nil { // there is no world, for one
		return err
	}
	l, err := world.ReadLimits(dir)
	if err != nil {
		return err
	}
	for _, a := range arg {
		if l, err = setLimit(c, l, a); err != nil {
			return err
		}
	}
	if len(arg) > 0 {
		if err := world.WriteLimits(dir, l); err != nil {
			return err
		}
	}
	all := term.Table{Head: []string{"LIMIT", "VALUE", "DEFAULT", "BOUNDS"}, End: []int{1, 2}}
	err = term.PrintRows(e.Printer, l.All(), all, func(l functions.Limit) []string {
		usual := ""
		if l.Value != l.Default {
			usual = strconv.FormatInt(l.Default, 10)
		}
		return []string{l.Name, strconv.FormatInt(l.Value, 10), usual, l.Doc}
	})
	if err == nil && len(arg) > 0 {
		e.Note("set, from the world's next start on. Functions on Nex: natster admin creds DIR, and start them again;")
		e.Note("NATS servers of its own: natster admin provision SERVER...")
	}
	return err
}

// setLimit returns l with what a, as in codes=3, says.
func setLimit(c *cli.Context, l functions.Limits, a string) (functions.Limits, error) {
	name, value, is := strings.Cut(a, "=")
	if !is {
		return l, misused(c.Command, "%s is not NAME=VALUE", term.Quoted(a))
	}
	if _, err := hint.Pick(name, "no limit", l.All(), limitName, "admin limits"); err != nil {
		return l, err
	}
	var n int64
	if value != "default" {
		var err error
		if n, err = strconv.ParseInt(value, 10, 64); err != nil || n <= 0 {
			const text = "%s=%s: a limit is a whole number from 1 on, or default"
			return l, misused(c.Command, text, name, term.OneLine(value))
		}
	}
	return l.Set(name, n)
}

func limitName(l functions.Limit) string { return l.Name }

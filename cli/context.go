package cli

import (
	"cmp"
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"natster/cli/term"
	"natster/events"
)

func contextCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "context",
		Usage:    "the accounts you can act as",
		Category: categoryStart,
		Description: `A context is an account and the world it lives in; natster init makes one. One of them is in use;
--context NAME or NATSTER_CONTEXT takes another for one command.`,
		Subcommands: []*cli.Command{{
			Name:        "ls",
			Usage:       "list your contexts",
			Description: "   natster context ls",
			Action:      args(0, 0, e.listContexts),
		}, {
			Name:        "use",
			Usage:       "act as another account from now on",
			ArgsUsage:   "CONTEXT",
			Description: "   natster context use bob",
			Action:      args(1, 1, e.useContext),
		}},
	}
}

// A contextRow is a context in a listing.
type contextRow struct {
	Name    string         `json:"name"`
	InUse   bool           `json:"in_use"`
	Account events.Account `json:"account"`
	URL     string         `json:"url"`
	World   string         `json:"world,omitempty"`
}

func (e *env) listContexts(context.Context, *cli.Context, []string) error {
	s, err := e.contexts()
	if err != nil {
		return err
	}
	all, bad := s.All()
	current := e.context
	if current == "" {
		current, _ = s.Current() // without one, none is in use
	}
	rows := make([]contextRow, len(all))
	for i, c := range all {
		rows[i] = contextRow{c.Name, c.Name == current, c.Account, c.URL, c.World}
	}
	t := term.Table{
		Head: []string{"", "NAME", "ACCOUNT", "WORLD"}, Empty: "no contexts yet; make one with: natster init NAME",
	}
	return errors.Join(term.PrintRows(e.Printer, rows, t, func(r contextRow) []string {
		return []string{map[bool]string{true: "*"}[r.InUse], r.Name, r.Account.Short(), cmp.Or(r.World, r.URL)}
	}), bad)
}

func (e *env) useContext(_ context.Context, _ *cli.Context, arg []string) error {
	s, err := e.contexts()
	if err != nil {
		return err
	}
	c, err := s.Get(arg[0])
	if err != nil {
		return err
	}
	if err := s.Use(c.Name); err != nil {
		return err
	}
	return e.Print(contextRow{c.Name, true, c.Account, c.URL, c.World}, func() {
		e.Say("you are %s now (account %s)", e.Out.Bold(c.Name), c.Account.Short())
	})
}

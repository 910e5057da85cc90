package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"natster/cli/hint"
	"natster/cli/term"
	"natster/events"
	"natster/functions/api"
)

// A shareResult is a share that was made, or taken back.
type shareResult struct {
	Catalog events.Catalog `json:"catalog"`
	With    events.Account `json:"to"`
	Event   uint64         `json:"event"`            // position in the event log
	Served  *bool          `json:"served,omitempty"` // whether a catalog that was shared is served now, if known
}

func (s *session) share(ctx context.Context, _ *cli.Context, arg []string) error {
	name, err := s.files.find(arg[0])
	if err != nil {
		return err
	}
	with, err := s.contacts.Account(arg[1])
	if err != nil {
		return err
	}
	if err := s.api.Share(ctx, name, with); err != nil {
		return err
	}
	r := shareResult{Catalog: name, With: with, Event: s.api.Position()}
	served, err := s.client().Served(ctx, name)
	if err == nil {
		r.Served = &served
	}
	return s.Print(r, func() {
		s.Say("shared %s with %s (event %d)", s.Out.Bold(name.String()), s.contacts.Name(with), r.Event)
		if err == nil && !served {
			s.Note("nobody serves %s now: %s can look at it once you do", name, s.contacts.Name(with))
			s.Note("  try: %s", s.Err.Bold(s.typed("serve %s", name)))
		}
	})
}

func (s *session) unshare(ctx context.Context, _ *cli.Context, arg []string) error {
	with, err := s.contacts.Account(arg[1])
	if err != nil {
		return err
	}
	if name, err := events.ParseCatalog(arg[0]); err == nil { // before all that other accounts can delay
		s.tellUnshare(ctx, name, with, 0)
	}
	name, err := s.shared(ctx, arg[0], with)
	if err != nil {
		return s.unshareAgain(err, arg)
	}
	if name.String() != arg[0] {
		s.tellUnshare(ctx, name, with, 0)
	}
	if err := s.api.Unshare(ctx, name, with); err != nil {
		return s.unshareAgain(err, arg)
	}
	s.tellUnshare(ctx, name, with, s.api.Position())
	r := shareResult{Catalog: name, With: with, Event: s.api.Position()}
	return s.Print(r, func() {
		s.Say("%s is no longer shared with %s (event %d)", s.Out.Bold(name.String()), s.contacts.Name(with), r.Event)
	})
}

// unshareAgain says what holds for a share that could not be taken back after the servers were told: not for ever.
func (s *session) unshareAgain(err error, arg []string) error {
	if _, refused := errors.AsType[*api.Error](err); !refused {
		return err
	}
	err = fmt.Errorf("%w; a server of yours that runs refuses %s for about a minute: repeat it until it succeeds",
		err, arg[1])
	return hint.Add(err, "catalog unshare %s %s", term.ShellWord(arg[0]), term.ShellWord(arg[1]))
}

// tellUnshare tells the servers that run now. Those that it does not reach learn it from the functions.
func (s *session) tellUnshare(ctx context.Context, name events.Catalog, with events.Account, position uint64) {
	if err := s.client().TellUnshare(ctx, name, with, position); err != nil {
		s.Note("a server of %s may serve %s some seconds longer: %s",
			name, s.contacts.Name(with), term.OneLine(err.Error()))
	}
}

// shared returns the catalog called name that this account shares with another. It may have been forgotten since.
func (s *session) shared(ctx context.Context, name string, with events.Account) (events.Catalog, error) {
	shares, err := s.api.Shares(ctx)
	if err != nil {
		return events.Catalog{}, err
	}
	var all []events.Catalog
	for _, x := range shares {
		if x.From == s.me.Account && x.To == with {
			all = append(all, x.Catalog)
		}
	}
	return hint.Pick(name, "nothing that you share with "+s.contacts.Name(with), all, events.Catalog.String,
		"catalog shares")
}

func (s *session) listShares(ctx context.Context, _ *cli.Context, _ []string) error {
	shares, err := s.shares(ctx)
	if err != nil {
		return err
	}
	t := term.Table{
		Head:  []string{"CATALOG", "FROM", "TO", "ONLINE", "IMPORTED"},
		Empty: "nothing is shared yet; share with: natster catalog share CATALOG ACCOUNT",
	}
	return term.PrintRows(s.Printer, shareRows(shares), t, func(x shareRow) []string {
		return []string{x.Catalog.String(), s.who(x.From), s.who(x.To), yes(x.Online), yes(x.Imported)}
	})
}

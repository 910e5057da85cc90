package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"natster/cli/hint"
	"natster/cli/term"
	"natster/events"
)

// A shareResult is a share that was made, or taken back.
type shareResult struct {
	Catalog events.Catalog `json:"catalog"`
	With    events.Account `json:"to"`
	Event   uint64         `json:"event"`            // position in the event log
	Served  *bool          `json:"served,omitempty"` // whether a catalog that was shared is served now, if known
}

func catalogShareCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "share",
		Usage:     "let an account browse and download a catalog",
		ArgsUsage: "CATALOG ACCOUNT",
		Description: `The account is named by its key, or by the name that you gave it as a contact. The first share of
a name makes the name yours for ever.

   natster catalog share films bob`,
		Action: e.online(2, 2, func(ctx context.Context, s *session, _ *cli.Context, arg []string) error {
			name, with, err := s.mine(arg[0], arg[1])
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
		}),
	}
}

// mine returns one of the account's own catalogs, and the account that a word stands for.
func (s *session) mine(name, account string) (c events.Catalog, a events.Account, err error) {
	files, err := s.catalogFiles(s.me)
	if err != nil {
		return c, a, err
	}
	if c, err = files.find(name); err != nil {
		return c, a, err
	}
	a, err = s.contacts.Account(account)
	return c, a, err
}

func catalogUnshareCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "unshare",
		Usage:     "take a share back; downloads that are under way end",
		ArgsUsage: "CATALOG ACCOUNT",
		Description: `What was downloaded before stays where it is.

   natster catalog unshare films bob`,
		Action: e.online(2, 2, func(ctx context.Context, s *session, _ *cli.Context, arg []string) error {
			with, err := s.contacts.Account(arg[1])
			if err != nil {
				return err
			}
			name, err := s.shared(ctx, arg[0], with)
			if err != nil {
				return err
			}
			if err := s.api.Unshare(ctx, name, with); err != nil {
				return err
			}
			r := shareResult{Catalog: name, With: with, Event: s.api.Position()}
			return s.Print(r, func() {
				s.Say("%s is no longer shared with %s (event %d)", s.Out.Bold(name.String()), s.contacts.Name(with),
					r.Event)
			})
		}),
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

func catalogSharesCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:  "shares",
		Usage: "list what you share, and what is shared with you",
		Description: `   natster catalog shares
   natster catalog shares --json`,
		Action: e.online(0, 0, func(ctx context.Context, s *session, _ *cli.Context, _ []string) error {
			shares, err := s.api.Shares(ctx)
			if err != nil {
				return err
			}
			return s.Print(shareRows(shares), func() {
				t := term.Table{Head: []string{"CATALOG", "FROM", "TO", "ONLINE", "IMPORTED"}}
				for _, x := range shares {
					t.Row(x.Catalog.String(), s.who(x.From), s.who(x.To), yes(x.Online), yes(x.Imported))
				}
				s.Table(t, "nothing is shared yet; share with: natster catalog share CATALOG ACCOUNT")
			})
		}),
	}
}

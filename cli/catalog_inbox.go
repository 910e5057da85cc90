package cli

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"natster/cli/term"
	"natster/deploy/accounts"
	"natster/events"
	"natster/functions/api"
)

func (s *session) showInbox(ctx context.Context, _ *cli.Context, _ []string) error {
	inbox, err := s.inbox(ctx)
	if err != nil {
		return err
	}
	claims := s.claims(ctx, inbox)
	return s.Print(shareRows(inbox), func() {
		if len(inbox) == 0 {
			s.Say("nothing new is shared with you")
		}
		for i, x := range inbox {
			if i > 0 {
				s.Say("")
			}
			from := s.contacts.Name(x.From)
			if claim := claims[x.From]; claim != "" {
				from += " (goes by " + term.Quoted(claim) + ")"
			}
			s.Say("%s from %s, %s", s.Out.Bold(x.Catalog.String()), from, onlineText(x.Online))
			s.Say("  %s", s.typed("%s", s.importing(ctx, x)))
		}
	})
}

// inbox returns what is shared with this account and not imported: what can be looked at now comes first.
func (s *session) inbox(ctx context.Context) ([]api.Share, error) {
	offers, err := s.offers(ctx)
	if err != nil {
		return nil, err
	}
	imported, err := s.me.Imports(ctx)
	if err != nil {
		return nil, err
	}
	var now, later []api.Share
	for _, x := range offers {
		isX := func(i accounts.Import) bool { return i.Catalog == x.Catalog && i.Owner == x.From }
		switch {
		case slices.ContainsFunc(imported, isX):
		case x.Online:
			now = append(now, x)
		default:
			later = append(later, x)
		}
	}
	return append(now, later...), nil
}

// claims returns what the accounts that share something and are not contacts call themselves. Without an answer their
// keys have to do.
func (s *session) claims(ctx context.Context, shares []api.Share) map[events.Account]string {
	var strangers []events.Account
	for _, x := range shares {
		if !s.contacts.Know(x.From) && !slices.Contains(strangers, x.From) {
			strangers = append(strangers, x.From)
		}
	}
	if len(strangers) == 0 {
		return nil
	}
	names, err := s.api.Names(ctx, strangers...)
	if err != nil {
		s.logger().Debug("the names of accounts are not known", "err", err)
	}
	return names
}

// who returns the name of account a, or "you"; in what a server reports, its owner is the zero account.
func (s *session) who(a events.Account) string {
	if a == s.me.Account || a.IsZero() {
		return "you"
	}
	return s.contacts.Name(a)
}

func onlineText(online bool) string {
	if online {
		return "online now"
	}
	return "not online now"
}

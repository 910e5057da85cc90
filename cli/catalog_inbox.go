package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"natster/cli/hint"
	"natster/cli/term"
	"natster/deploy/accounts"
	"natster/events"
	"natster/functions/api"
)

func (s *session) showInbox(ctx context.Context, _ *cli.Context, arg []string) error {
	inbox, err := s.inbox(ctx)
	if err != nil {
		return err
	}
	if len(arg) > 0 {
		a, err := s.contacts.Account(arg[0])
		if err != nil {
			return err
		}
		if s.blocked[a] {
			return hint.Add(fmt.Errorf("you have blocked %s", s.contacts.Name(a)), "contacts unblock %s",
				s.contacts.Typed(a))
		}
		inbox = slices.DeleteFunc(inbox, func(x api.Share) bool { return x.From != a })
	}
	claims := s.claims(ctx, inbox)
	return s.Print(shareRows(inbox), func() {
		if len(inbox) == 0 {
			s.Say("nothing new is shared with you")
		}
		for i, of := range s.bySender(inbox) {
			if i > 0 {
				s.Say("")
			}
			from := s.contacts.Name(of[0].From)
			if claim := claims[of[0].From]; claim != "" {
				from += " (goes by " + term.Quoted(claim) + ")"
			}
			if len(of) > 1 && len(arg) == 0 {
				s.printOffers(from, of)
				continue
			}
			for _, x := range of {
				s.Say("%s from %s, %s", s.Out.Bold(x.Catalog.String()), from, onlineText(x.Online))
				s.Say("  %s", s.typed("%s", s.importing(ctx, x)))
			}
		}
	})
}

// printOffers prints what one account offers in a line, however much that is, and how to see all of it.
func (s *session) printOffers(from string, offers []api.Share) {
	const most = 3
	online := 0
	var names []string
	for _, x := range offers {
		if x.Online {
			online++
		}
		names = append(names, s.Out.Bold(x.Catalog.String()))
	}
	if more := len(names) - most; more > 0 {
		names = append(names[:most], humanize.Comma(int64(more))+" more")
	}
	s.Say("%s from %s, %d online now: %s", term.Count(len(offers), "catalog"), from, online, term.List(names))
	s.Say("  %s", s.typed("catalog inbox %s", s.contacts.Typed(offers[0].From)))
}

// bySender returns what each account shares: first those of accounts that have a name here, otherwise as in all.
func (s *session) bySender(all []api.Share) [][]api.Share {
	var known, strangers [][]api.Share
	at := make(map[events.Account]int)
	for _, x := range all {
		group := &strangers
		if s.contacts.Know(x.From) {
			group = &known
		}
		i, is := at[x.From]
		if !is {
			i = len(*group)
			at[x.From] = i
			*group = append(*group, nil)
		}
		(*group)[i] = append((*group)[i], x)
	}
	return append(known, strangers...)
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

package cli

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"natster/deploy/accounts"
	"natster/events"
	"natster/functions/api"
)

func catalogInboxCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:  "inbox",
		Usage: "list what is shared with you and not imported yet",
		Description: `Each catalog comes with the line that imports it.

   natster catalog inbox`,
		Action: e.online(0, 0, func(ctx context.Context, s *session, _ *cli.Context, _ []string) error {
			inbox, err := s.inbox(ctx)
			if err != nil {
				return err
			}
			claims := s.claims(ctx, inbox)
			return s.print(sharesAsJSON(inbox), func() {
				if len(inbox) == 0 {
					s.say("nothing new is shared with you")
				}
				for i, x := range inbox {
					if i > 0 {
						s.say("")
					}
					from := s.contacts.name(x.From)
					if claim := claims[x.From]; claim != "" {
						from += " (goes by " + quoted(claim) + ")"
					}
					s.say("%s from %s, %s", s.out.bold(x.Catalog.String()), from, onlineText(x.Online))
					s.say("  %s", s.typed("%s", s.importing(ctx, x)))
				}
			})
		}),
	}
}

// inbox is what is shared with this account and not imported, whatever it once said of that.
func (s *session) inbox(ctx context.Context) ([]api.Share, error) {
	shares, err := s.api.Shares(ctx)
	if err != nil {
		return nil, err
	}
	imported, err := s.me.imports(ctx)
	if err != nil {
		return nil, err
	}
	inbox := []api.Share{}
	for _, x := range shares {
		if x.To == s.me.Account && x.From != s.me.Account && !slices.ContainsFunc(imported, func(i accounts.Import) bool { return i.Catalog == x.Catalog && i.Owner == x.From }) {
			inbox = append(inbox, x)
		}
	}
	slices.SortStableFunc(inbox, func(a, b api.Share) int { // what can be looked at now comes first
		if a.Online == b.Online {
			return 0
		}
		return map[bool]int{true: -1, false: 1}[a.Online]
	})
	return inbox, nil
}

// claims is what those call themselves who share something and are no contacts of ours. It is a courtesy: without an answer
// keys will do.
func (s *session) claims(ctx context.Context, shares []api.Share) map[events.Account]string {
	var strangers []events.Account
	for _, x := range shares {
		if !s.contacts.know(x.From) && !slices.Contains(strangers, x.From) {
			strangers = append(strangers, x.From)
		}
	}
	if len(strangers) == 0 {
		return nil
	}
	names, err := s.api.Names(ctx, strangers...)
	if err != nil {
		s.logger().Debug("nobody says what accounts call themselves", "err", err)
	}
	return names
}

// who is account a to a person who is s.me.
func (s *session) who(a events.Account) string {
	if a == s.me.Account {
		return "you"
	}
	return s.contacts.name(a)
}

func onlineText(online bool) string {
	if online {
		return "online now"
	}
	return "not online now"
}

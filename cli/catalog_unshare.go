package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"natster/events"
)

func catalogUnshareCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "unshare",
		Usage:     "take a share back; downloads that are under way end",
		ArgsUsage: "CATALOG ACCOUNT",
		Description: `What was downloaded before stays where it is.

   natster catalog unshare films bob`,
		Action: e.online(2, 2, func(ctx context.Context, s *session, _ *cli.Context, arg []string) error {
			with, err := s.contacts.account(arg[1])
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
			return s.print(r, func() {
				s.say("%s is no longer shared with %s (event %d)", s.out.bold(name.String()), s.contacts.name(with), r.Event)
			})
		}),
	}
}

// shared is the catalog called name that this account shares with another. It need not be on the shelf any more.
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
	return pick(name, "nothing that you share with "+s.contacts.name(with), all, events.Catalog.String, "catalog shares")
}

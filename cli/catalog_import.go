package cli

import (
	"context"
	"fmt"
	"time"

	"natster/events"
	"natster/functions/api"

	"github.com/urfave/cli/v2"
)

func catalogImportCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "import a catalog that is shared with you",
		ArgsUsage: "NAME [OWNER]",
		Description: `natster catalog inbox prints the line to type. The owner may be left out if only one shares a catalog by that name.

   natster catalog import films alice`,
		Action: e.online(1, 2, func(ctx context.Context, s *session, _ *cli.Context, arg []string) error {
			x, err := s.offered(ctx, arg)
			if err != nil {
				return err
			}
			keeper, err := s.me.keeper()
			if err != nil {
				return err
			}
			if err := keeper.Import(ctx, s.me.Account, x.Catalog, x.From); err != nil {
				return err
			}
			if err := s.api.Imported(ctx, x.Catalog, x.From); err != nil {
				return err
			}
			x.Imported = true
			return s.print(shareAsJSON(x), func() {
				s.say("imported %s from %s, %s", s.out.bold(x.Catalog.String()), s.contacts.name(x.From), onlineText(x.Online))
				s.say("\nNext: %s", s.typed("catalog contents %s", x.Catalog))
			})
		}),
	}
}

// offered is the share that a name, and perhaps an owner, mean.
func (s *session) offered(ctx context.Context, arg []string) (api.Share, error) {
	var none api.Share
	var owner events.Account
	if len(arg) == 2 {
		var err error
		if owner, err = s.contacts.account(arg[1]); err != nil {
			return none, err
		}
	}
	shares, err := s.api.Shares(ctx)
	if err != nil {
		return none, err
	}
	var offers, same []api.Share
	for _, x := range shares {
		if x.To == s.me.Account && x.From != s.me.Account && (owner.IsZero() || x.From == owner) {
			offers = append(offers, x)
			if x.Catalog.String() == arg[0] {
				same = append(same, x)
			}
		}
	}
	switch {
	case len(same) == 1:
		return same[0], nil
	case len(same) > 1:
		return none, hint(fmt.Errorf("%s share a catalog %s with you: name one", count(len(same), "account"), same[0].Catalog), "catalog inbox")
	case owner.IsZero():
		return pick(arg[0], "nothing that is shared with you", offers, shareName, "catalog inbox")
	}
	return pick(arg[0], "nothing that "+s.contacts.name(owner)+" shares with you", offers, shareName, "catalog inbox")
}

func shareName(x api.Share) string { return x.Catalog.String() }

// notImported is what is wrong with name when it is that of a catalog that is shared with this account, and only has to be
// imported; otherwise, and when that cannot be found out now, it is err.
func (e *env) notImported(ctx context.Context, name string, err error) error {
	ctx, cancel := context.WithTimeout(ctx, dialBriefly)
	defer cancel()
	s, openErr := e.open(ctx)
	if openErr != nil {
		return err
	}
	defer s.close()
	shares, askErr := s.api.Shares(ctx)
	if askErr != nil {
		return err
	}
	for _, x := range shares {
		if x.To == s.me.Account && x.From != s.me.Account && x.Catalog.String() == name {
			return hint(fmt.Errorf("%s shares %s with you, and you have not imported it yet", s.contacts.name(x.From), x.Catalog),
				"catalog import %s %s", x.Catalog, s.contacts.typed(x.From))
		}
	}
	return err
}

// dialBriefly bounds what only makes an error clearer.
const dialBriefly = 2 * time.Second

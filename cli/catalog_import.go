package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"natster/cli/contexts"
	"natster/cli/hint"
	"natster/deploy/accounts"
	"natster/events"
	"natster/functions/api"
)

func catalogImportCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "import a catalog that is shared with you",
		ArgsUsage: "SHARED [OWNER]",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "as", Usage: "the `NAME` that it has here, if that is not to be its owner's"},
		},
		Description: `natster catalog inbox prints the line to type. The owner may be left out if only one shares a
catalog by that name. Two catalogs of one name, or one that is called like your own, have to be told apart: --as gives
an import another name here. To import again under another name renames it.

   natster catalog import films alice
   natster catalog import films alice --as alicefilms`,
		Action: e.online(1, 2, func(ctx context.Context, s *session, c *cli.Context, arg []string) error {
			x, err := s.offered(ctx, arg)
			if err != nil {
				return err
			}
			i := accounts.Import{Catalog: x.Catalog, Owner: x.From}
			if text := c.String("as"); text != "" {
				if i.As, err = events.ParseCatalog(text); err != nil {
					return err
				}
			}
			if i.As, err = s.importNamed(ctx, i); err != nil {
				return err
			}
			keeper, err := s.me.Keeper()
			if err != nil {
				return err
			}
			if err := keeper.Import(ctx, s.me.Account, i); err != nil {
				return err
			}
			if err := s.api.Imported(ctx, x.Catalog, x.From); err != nil {
				return err
			}
			x.Imported = true
			done := importResult{shareRow: newShareRow(x)}
			as := ""
			if i.As != x.Catalog {
				done.As, as = i.As, " as "+s.Out.Bold(i.As.String())
			}
			return s.Print(done, func() {
				what, from := s.Out.Bold(x.Catalog.String()), s.contacts.Name(x.From)
				s.Say("imported %s from %s%s, %s", what, from, as, onlineText(x.Online))
				s.Say("\nNext: %s", s.typed("catalog contents %s", i.As))
			})
		}),
	}
}

// An importResult is what an import did, for scripts.
type importResult struct {
	shareRow
	As events.Catalog `json:"as,omitzero"` // what it is called here, if that is another name
}

// importNamed returns the name that i is to have here. A name that is taken is an error, with the line to type.
func (s *session) importNamed(ctx context.Context, i accounts.Import) (events.Catalog, error) {
	imported, err := s.me.Imports(ctx)
	if err != nil {
		return i.As, err
	}
	if i.As.IsZero() {
		i.As = i.Catalog
		for _, j := range imported {
			if j.Catalog == i.Catalog && j.Owner == i.Owner {
				i.As = j.As
			}
		}
	}
	taken, err := s.taken(i, imported)
	if err != nil || taken == "" {
		return i.As, err
	}
	return i.As, hint.Add(fmt.Errorf("%s, so that this one needs another name here", taken),
		"%s", importLine(i.Catalog, s.contacts.Typed(i.Owner), suggested(s.contacts, i.Owner, i.Catalog)))
}

// taken returns what else has the name that i is to have, or nothing.
func (s *session) taken(i accounts.Import, imported []accounts.Import) (string, error) {
	for _, j := range imported {
		if j.As == i.As && (j.Catalog != i.Catalog || j.Owner != i.Owner) {
			return fmt.Sprintf("%s is a catalog that you import from %s", j.As, s.contacts.Name(j.Owner)), nil
		}
	}
	files, err := s.catalogFiles(s.me)
	if err != nil {
		return "", err
	}
	mine, err := files.names()
	if slices.Contains(mine, i.As) {
		return fmt.Sprintf("%s is a catalog of yours", i.As), err
	}
	return "", err
}

// importing returns the line that imports what x shares, under another name if its own is taken.
func (s *session) importing(ctx context.Context, x api.Share) string {
	var as events.Catalog
	if _, err := s.importNamed(ctx, accounts.Import{Catalog: x.Catalog, Owner: x.From}); err != nil {
		as = suggested(s.contacts, x.From, x.Catalog)
	}
	return importLine(x.Catalog, s.contacts.Typed(x.From), as)
}

// importLine returns the command line of an import. A zero as is its owner's name for it.
func importLine(c events.Catalog, owner string, as events.Catalog) string {
	line := fmt.Sprintf("catalog import %s %s", c, owner)
	if !as.IsZero() {
		line += " --as " + as.String()
	}
	return line
}

// suggested returns a name for owner's catalog c that begins with the owner's name here.
func suggested(contacts contexts.Contacts, owner events.Account, c events.Catalog) events.Catalog {
	who := strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return -1
	}, contacts.Name(owner))
	for _, name := range []string{who + c.String(), "other" + c.String()} {
		if as, err := events.ParseCatalog(name); err == nil && as != c {
			return as
		}
	}
	return c
}

// offered returns the share that a name, and an owner if there is one, stand for.
func (s *session) offered(ctx context.Context, arg []string) (api.Share, error) {
	var none api.Share
	var owner events.Account
	if len(arg) == 2 {
		var err error
		if owner, err = s.contacts.Account(arg[1]); err != nil {
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
		var who []string
		for _, x := range same {
			who = append(who, s.contacts.Name(x.From))
		}
		err := fmt.Errorf("%s share a catalog %s with you: name one", strings.Join(who, " and "), same[0].Catalog)
		return none, hint.Add(err, "%s", s.importing(ctx, same[0]))
	case owner.IsZero():
		return hint.Pick(arg[0], "nothing that is shared with you", offers, shareName, "catalog inbox")
	}
	return hint.Pick(arg[0], "nothing that "+s.contacts.Name(owner)+" shares with you", offers, shareName,
		"catalog inbox")
}

func shareName(x api.Share) string { return x.Catalog.String() }

// notImported returns the error about a name that is not imported, though the catalog is shared with this account. If
// it is not shared, or that cannot be found out now, it returns err.
func (e *env) notImported(ctx context.Context, me contexts.Context, name string, err error) error {
	if me.World == "" {
		return fmt.Errorf("%w; which catalogs this account imports is known only on the machine with its world", err)
	}
	ctx, cancel := context.WithTimeout(ctx, hintTimeout)
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
			const text = "%s shares %s with you, and you have not imported it yet"
			return hint.Add(fmt.Errorf(text, s.contacts.Name(x.From), x.Catalog), "catalog import %s %s", x.Catalog,
				s.contacts.Typed(x.From))
		}
	}
	return err
}

// hintTimeout bounds what only makes an error clearer.
const hintTimeout = 2 * time.Second

func catalogUnimportCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "unimport",
		Usage:     "give an import back",
		ArgsUsage: "IMPORTED",
		Description: `What was downloaded stays. While the catalog is shared with you, it can be imported again.

   natster catalog unimport films`,
		Action: args(1, 1, func(ctx context.Context, _ *cli.Context, arg []string) error {
			me, err := e.me()
			if err != nil {
				return err
			}
			all, err := me.Imports(ctx)
			if err != nil {
				return err
			}
			c, err := importCalled(arg[0], "no imported catalog", all)
			if err != nil {
				return err
			}
			keeper, err := me.Keeper()
			if err != nil {
				return err
			}
			if err := keeper.Unimport(ctx, me.Account, c); err != nil {
				return err
			}
			i := all[slices.IndexFunc(all, func(i accounts.Import) bool { return i.As == c })]
			return e.Print(map[string]any{"catalog": c, "owner": i.Owner}, func() {
				e.Say("%s is not imported any more", e.Out.Bold(c.String()))
			})
		}),
	}
}

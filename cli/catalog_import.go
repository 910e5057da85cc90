package cli

import (
	"cmp"
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
	"natster/cli/term"
	"natster/deploy/accounts"
	"natster/events"
	"natster/functions/api"
)

func (s *session) importCatalog(ctx context.Context, c *cli.Context, arg []string) error {
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
}

// An importResult is what an import did, for scripts.
type importResult struct {
	shareRow
	As events.Catalog `json:"as,omitzero"` // what it is called here, if that is another name
}

// importNamed returns the name that i is to have here: i.As, or else the one that it has already, or else its owner's.
// A name that is taken is an error, with the line to type.
func (s *session) importNamed(ctx context.Context, i accounts.Import) (events.Catalog, error) {
	imported, err := s.me.Imports(ctx)
	if err != nil {
		return i.As, err
	}
	mine, err := s.files.names()
	if err != nil {
		return i.As, err
	}
	var already events.Catalog
	others := make(map[events.Catalog]events.Account) // the owners of other imports
	for _, j := range imported {
		if j.Catalog == i.Catalog && j.Owner == i.Owner {
			already = j.As
		} else {
			others[j.As] = j.Owner
		}
	}
	i.As = cmp.Or(i.As, already, i.Catalog)
	var taken string
	switch owner, is := others[i.As]; {
	case is:
		taken = fmt.Sprintf("%s is a catalog that you import from %s", i.As, s.contacts.Name(owner))
	case slices.Contains(mine, i.As):
		taken = fmt.Sprintf("%s is a catalog of yours", i.As)
	default:
		return i.As, nil
	}
	return i.As, hint.Add(fmt.Errorf("%s, so that this one needs another name here", taken),
		"%s", importLine(s.contacts, i))
}

// importing returns the line that imports what x shares, under another name if its own is taken.
func (s *session) importing(ctx context.Context, x api.Share) string {
	_, err := s.importNamed(ctx, accounts.Import{Catalog: x.Catalog, Owner: x.From})
	return cmp.Or(hint.Of(err), fmt.Sprintf("catalog import %s %s", x.Catalog, s.contacts.Typed(x.From)))
}

// importLine returns the line that imports i under another name, which begins with what its owner is called here.
func importLine(contacts contexts.Contacts, i accounts.Import) string {
	who := strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return -1
	}, contacts.Name(i.Owner))
	line := fmt.Sprintf("catalog import %s %s", i.Catalog, contacts.Typed(i.Owner))
	for _, name := range []string{who + i.Catalog.String(), "other" + i.Catalog.String()} {
		if as, err := events.ParseCatalog(name); err == nil && as != i.Catalog {
			return line + " --as " + name
		}
	}
	return line + " --as " + i.Catalog.String()
}

// offers returns what others share with this account, who are not blocked.
func (s *session) offers(ctx context.Context) ([]api.Share, error) {
	shares, err := s.shares(ctx)
	return slices.DeleteFunc(shares, func(x api.Share) bool {
		return x.To != s.me.Account || x.From == s.me.Account
	}), err
}

// shares returns the shares of this account, with others and from others who are not blocked. It notes on stderr how
// many it leaves out.
func (s *session) shares(ctx context.Context) ([]api.Share, error) {
	all, err := s.api.Shares(ctx)
	whose := make(map[events.Account]bool)
	shown := slices.DeleteFunc(slices.Clone(all), func(x api.Share) bool {
		hide := x.From != s.me.Account && s.blocked[x.From]
		if hide {
			whose[x.From] = true
		}
		return hide
	})
	if n := len(all) - len(shown); n > 0 && !s.quiet {
		s.Note("%s", s.Err.Dim(fmt.Sprintf("%s of %s left out", term.Count(n, "share"),
			term.Count(len(whose), "blocked account"))))
	}
	return shown, err
}

// offered returns the share that a name, and an owner if there is one, stand for.
func (s *session) offered(ctx context.Context, arg []string) (api.Share, error) {
	var none api.Share
	var owner events.Account
	kind := "nothing that is shared with you"
	if len(arg) == 2 {
		var err error
		if owner, err = s.contacts.Account(arg[1]); err != nil {
			return none, err
		}
		if s.blocked[owner] {
			err := fmt.Errorf("you have blocked %s", s.contacts.Name(owner))
			return none, hint.Add(err, "contacts unblock %s", s.contacts.Typed(owner))
		}
		kind = "nothing that " + s.contacts.Name(owner) + " shares with you"
	}
	offers, err := s.offers(ctx)
	if err != nil {
		return none, err
	}
	var whose, same []api.Share
	var who []string // share same
	for _, x := range offers {
		if !owner.IsZero() && x.From != owner {
			continue
		}
		whose = append(whose, x)
		if x.Catalog.String() == arg[0] {
			same, who = append(same, x), append(who, s.contacts.Name(x.From))
		}
	}
	if len(same) > 1 {
		err := fmt.Errorf("%s share a catalog %s with you: name one", strings.Join(who, " and "), arg[0])
		return none, hint.Add(err, "%s", s.importing(ctx, same[0]))
	}
	return hint.Pick(arg[0], kind, whose, func(x api.Share) string { return x.Catalog.String() }, "catalog inbox")
}

// notImported returns the error about a name that is not imported, though the catalog is shared with this account. If
// it is not shared, or that cannot be found out now, it returns err.
func (s *session) notImported(ctx context.Context, name string, err error) error {
	if s.me.World == "" {
		return fmt.Errorf("%w; which catalogs this account imports is known only on the machine with its world", err)
	}
	ctx, cancel := context.WithTimeout(ctx, hintTimeout)
	defer cancel()
	if s.connect(ctx) != nil {
		return err
	}
	offers, _ := s.offers(ctx) // without an answer err says enough
	for _, x := range offers {
		if x.Catalog.String() == name {
			const text = "%s shares %s with you, and you have not imported it yet"
			return hint.Add(fmt.Errorf(text, s.contacts.Name(x.From), x.Catalog), "catalog import %s %s", x.Catalog,
				s.contacts.Typed(x.From))
		}
	}
	return err
}

// hintTimeout bounds what only makes an error clearer.
const hintTimeout = 2 * time.Second

func (s *session) unimport(ctx context.Context, _ *cli.Context, arg []string) error {
	all, err := s.me.Imports(ctx)
	if err != nil {
		return err
	}
	c, err := importCalled(arg[0], "no imported catalog", all)
	if err != nil {
		return err
	}
	keeper, err := s.me.Keeper()
	if err != nil {
		return err
	}
	if err := keeper.Unimport(ctx, s.me.Account, c); err != nil {
		return err
	}
	i := all[slices.IndexFunc(all, func(i accounts.Import) bool { return i.As == c })]
	return s.Print(map[string]any{"catalog": c, "owner": i.Owner}, func() {
		s.Say("%s is not imported any more", s.Out.Bold(c.String()))
	})
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"natster/deploy/accounts"
	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog/library"
)

func catalogNewCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "new",
		Usage:     "make a catalog of a directory",
		ArgsUsage: "NAME DIR",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "description", Aliases: []string{"d"}, Usage: "`TEXT` that others see beside the name"},
		},
		Description: `Looks through the directory and remembers what is there. Nothing is copied, and nobody sees it until you share it.
The name is letters and digits; others may have a catalog of the same name, and only your own have to differ.

   natster catalog new films ~/Films --description "what we watched"`,
		Action: args(2, 2, func(ctx context.Context, c *cli.Context, arg []string) error {
			name, err := events.ParseCatalog(arg[0])
			if err != nil {
				return err
			}
			me, err := e.me()
			if err != nil {
				return err
			}
			s, err := e.shelf(me)
			if err != nil {
				return err
			}
			if _, err := os.Stat(s.file(name)); err == nil {
				return hint(fmt.Errorf("there is a catalog %s already", name), "catalog rescan %s", name)
			}
			if err := e.nameIsClear(ctx, me, s, name); err != nil {
				return err
			}
			if err := e.nameIsFree(ctx, name); err != nil {
				return err
			}
			if arg[1] == "" { // a variable that is not set: the directory that one happens to be in is not to be shared
				return hint(errors.New("no directory is named"), "catalog new %s DIR", name)
			}
			dir, err := filepath.Abs(arg[1])
			if err != nil {
				return err
			}
			bar := e.bar("reading")
			lib, err := s.open(ctx, library.Config{Dir: dir, Description: c.String("description"), Progress: bar.scan}, name)
			if err != nil {
				return err
			}
			defer lib.Close()
			return e.scan(ctx, lib, lib.Scan, bar, e.typed("catalog share %s ACCOUNT", name))
		}),
	}
}

// nameIsClear refuses a name that an import has, and says so when another of this account's catalogs differs in capitals only.
func (e *env) nameIsClear(ctx context.Context, me Context, s shelf, name events.Catalog) error {
	imported, err := me.imports(ctx)
	if err != nil && !errors.Is(err, accounts.ErrNoWorld) {
		return err
	}
	all, err := s.names()
	if err != nil {
		return err
	}
	for _, i := range imported {
		if i.As == name {
			return e.twoCalled(name, i)
		}
		all = append(all, i.As)
	}
	for _, c := range all {
		if strings.EqualFold(c.String(), name.String()) {
			e.note("%s and %s differ in capitals only: people will take one for the other, and so does the original Natster", name, c)
		}
	}
	return nil
}

// nameIsFree asks the functions whether the account may use name. If they cannot be asked, sharing will tell.
func (e *env) nameIsFree(ctx context.Context, name events.Catalog) error {
	s, err := e.open(ctx)
	if err != nil {
		e.note("%s", e.err.dim("the name could not be checked now: "+oneLine(err.Error())))
		return nil
	}
	defer s.close()
	shares, err := s.api.Shares(ctx)
	if err != nil && !errors.Is(err, api.ErrUnavailable) {
		return err
	}
	with := 0
	for _, x := range shares {
		if x.From == s.me.Account && x.Catalog == name {
			with++
		}
	}
	if with > 0 { // a catalog of that name was here before: it is this account's to make again
		e.note("%s is shared with %s already, who will see what is in it", name, count(with, "account"))
		return nil
	}
	v, err := s.api.ValidateName(ctx, name.String())
	if err != nil && !errors.Is(err, api.ErrUnavailable) {
		return err
	}
	if err == nil && !v.Valid {
		return hint(errors.New(v.Message), "catalog new NAME DIR")
	}
	return nil
}

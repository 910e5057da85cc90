package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog/library"

	"github.com/urfave/cli/v2"
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
The name is letters and digits, and belongs to whoever is first to share a catalog by it.

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
			if err := e.nameIsFree(ctx, name); err != nil {
				return err
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

// nameIsFree asks the functions whether the account may use name. If they cannot be asked, sharing will tell.
func (e *env) nameIsFree(ctx context.Context, name events.Catalog) error {
	s, err := e.open(ctx)
	if err != nil {
		e.note("%s", e.err.dim("the name could not be checked now: "+oneLine(err.Error())))
		return nil
	}
	defer s.close()
	v, err := s.api.ValidateName(ctx, name.String())
	if err != nil && !errors.Is(err, api.ErrUnavailable) {
		return err
	}
	if err == nil && !v.Valid {
		return hint(errors.New(v.Message), "catalog new NAME DIR")
	}
	return nil
}

package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"natster/deploy/world"
	"natster/events"
	"natster/workloads/catalog"
	"natster/workloads/catalog/library"
)

// A shelf is where the catalogs of one context are kept: a catalog file for each, that says what is in it and where.
//
//	$XDG_DATA_HOME/natster/CONTEXT/catalogs/NAME.json
type shelf struct{ dir string }

func (e *env) shelf(me Context) (shelf, error) {
	data, err := e.dataDir()
	return shelf{filepath.Join(data, me.Name, "catalogs")}, err
}

func (s shelf) file(c events.Catalog) string { return filepath.Join(s.dir, c.String()+".json") }

// names lists the catalogs, sorted.
func (s shelf) names() ([]events.Catalog, error) {
	files, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []events.Catalog
	for _, f := range files {
		name, is := strings.CutSuffix(f.Name(), ".json")
		if c, err := events.ParseCatalog(name); is && err == nil {
			all = append(all, c)
		}
	}
	return all, nil
}

// find is the catalog called name, or an error that says what may have been meant.
func (s shelf) find(name string) (events.Catalog, error) {
	all, err := s.names()
	if err != nil {
		return events.Catalog{}, err
	}
	return pick(name, "no catalog of yours", all, events.Catalog.String, "catalog ls")
}

// read is what is in the catalog c, and where, as of its last scan.
func (s shelf) read(c events.Catalog) (catalog.Contents, string, error) {
	return library.ReadFile(s.file(c))
}

// open opens the catalog c. The caller closes it.
func (s shelf) open(ctx context.Context, c library.Config, name events.Catalog) (*library.Library, error) {
	c.File, c.Name = s.file(name), name
	return library.Open(ctx, c)
}

// imports are the catalogs that the account of me has imported.
func (me Context) imports(ctx context.Context) (names []events.Catalog, owners map[events.Catalog]events.Account, err error) {
	owners = make(map[events.Catalog]events.Account)
	if me.World == "" {
		return nil, owners, nil
	}
	keeper, err := world.OpenKeeper(me.World)
	if err != nil {
		return nil, nil, err
	}
	all, err := keeper.Imports(ctx, me.Account)
	for _, i := range all {
		names = append(names, i.Catalog)
		owners[i.Catalog] = i.Owner
	}
	return names, owners, err
}

// readable is a catalog that this account can read: its own, or one that it has imported.
func (e *env) readable(ctx context.Context, me Context, name string) (c events.Catalog, own bool, err error) {
	s, err := e.shelf(me)
	if err != nil {
		return c, false, err
	}
	mine, err := s.names()
	if err != nil {
		return c, false, err
	}
	imported, _, err := me.imports(ctx)
	if err != nil {
		return c, false, err
	}
	for _, c := range mine {
		if c.String() == name {
			return c, true, nil
		}
	}
	c, err = pick(name, "no catalog here", append(mine, imported...), events.Catalog.String, "catalog ls")
	if err != nil {
		err = e.notImported(ctx, name, err)
	}
	return c, false, err
}

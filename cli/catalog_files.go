package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"natster/deploy/accounts"
	"natster/deploy/world"
	"natster/events"
	"natster/workloads/catalog"
	"natster/workloads/catalog/library"
)

// A shelf is where the catalogs of one context are kept: a catalog file for each, that says what is in it and where.
//
//	$XDG_DATA_HOME/natster/CONTEXT/catalogs/NAME.json
type shelf struct {
	dir     string
	private []string // directories that no catalog may list: ours
}

func (e *env) shelf(me Context) (shelf, error) {
	data, err := e.dataDir()
	if err != nil {
		return shelf{}, err
	}
	config, err := e.configDir()
	if err != nil {
		return shelf{}, err
	}
	world, err := e.worldDir("")
	return shelf{filepath.Join(data, me.Name, "catalogs"), []string{data, config, world}}, err
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
	c.File, c.Name, c.Private = s.file(name), name, s.private
	return library.Open(ctx, c)
}

// imports are the catalogs that the account of me has imported, by the names that they have here.
func (me Context) imports(ctx context.Context) ([]accounts.Import, error) {
	if me.World == "" {
		return nil, nil
	}
	keeper, err := world.OpenKeeper(me.World)
	if err != nil {
		return nil, err
	}
	return keeper.Imports(ctx, me.Account)
}

// errSeveral is the error of a name that stands for several things.
var errSeveral = errors.New("name one")

// importCalled is the import that name stands for: what is called so here, or else the only one that is called so at its owner's.
func importCalled(name, kind string, all []accounts.Import, others ...events.Catalog) (events.Catalog, error) {
	var names []string
	var same []accounts.Import
	for _, i := range all {
		if i.As.String() == name {
			return i.As, nil
		}
		if i.Catalog.String() == name {
			same = append(same, i)
			names = append(names, i.As.String())
		}
	}
	switch len(same) {
	case 0:
		for _, i := range all {
			others = append(others, i.As)
		}
		return pick(name, kind, others, events.Catalog.String, "catalog ls")
	case 1:
		return same[0].As, nil
	}
	return events.Catalog{}, hint(fmt.Errorf("%w: %d imported catalogs are called %s by their owners; here they are %s", errSeveral, len(same), name, strings.Join(names, " and ")), "catalog ls")
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
	imported, err := me.imports(ctx)
	if err != nil {
		return c, false, err
	}
	for _, c := range mine {
		if c.String() != name {
			continue
		}
		if i := slices.IndexFunc(imported, func(i accounts.Import) bool { return i.As == c }); i >= 0 {
			return c, false, e.twoCalled(c, imported[i])
		}
		return c, true, nil
	}
	c, err = importCalled(name, "no catalog here", imported, mine...)
	if err != nil && !errors.Is(err, errSeveral) {
		err = e.notImported(ctx, me, name, err)
	}
	return c, false, err
}

// twoCalled is the error of a name that stands for an own catalog and an import alike: requests would reach both.
func (e *env) twoCalled(c events.Catalog, i accounts.Import) error {
	contacts, err := e.contacts()
	if err != nil {
		return err
	}
	return hint(fmt.Errorf("%s is a catalog of yours and one that you import from %s: give the import another name", c, contacts.name(i.Owner)),
		"%s", importLine(i.Catalog, contacts.typed(i.Owner), suggested(contacts, i.Owner, i.Catalog)))
}

// importedNames are the names that imports have here; none if they cannot be read, because completion says nothing of that.
func (me Context) importedNames(ctx context.Context) (names []events.Catalog) {
	all, _ := me.imports(ctx)
	for _, i := range all {
		names = append(names, i.As)
	}
	return names
}

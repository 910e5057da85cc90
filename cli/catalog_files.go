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

	"natster/cli/contexts"
	"natster/cli/hint"
	"natster/deploy/accounts"
	"natster/events"
	"natster/workloads/catalog"
	"natster/workloads/catalog/library"
)

// catalogFiles are the catalogs of one context: a file for each, which says what is in it and where.
//
//	$XDG_DATA_HOME/natster/CONTEXT/catalogs/NAME.json
type catalogFiles struct {
	dir     string
	private []string // directories of natster's own, which no catalog may list
}

func (e *env) catalogFiles(me contexts.Context) (catalogFiles, error) {
	data, err := e.dirs.Data()
	if err != nil {
		return catalogFiles{}, err
	}
	config, err := e.dirs.Config()
	if err != nil {
		return catalogFiles{}, err
	}
	world, err := e.dirs.World("")
	return catalogFiles{filepath.Join(data, me.Name, "catalogs"), []string{data, config, world}}, err
}

func (s catalogFiles) file(c events.Catalog) string { return filepath.Join(s.dir, c.String()+".json") }

// names lists the catalogs, sorted.
func (s catalogFiles) names() ([]events.Catalog, error) {
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

// find returns the catalog called name, or an error that says what may have been meant.
func (s catalogFiles) find(name string) (events.Catalog, error) {
	all, err := s.names()
	if err != nil {
		return events.Catalog{}, err
	}
	return hint.Pick(name, "no catalog of yours", all, events.Catalog.String, "catalog ls")
}

// read returns what is in the catalog c as of its last scan, and its directory.
func (s catalogFiles) read(c events.Catalog) (catalog.Contents, string, error) {
	return library.ReadFile(s.file(c))
}

// open opens the catalog c. The caller closes it.
func (s catalogFiles) open(ctx context.Context, c library.Config, name events.Catalog) (*library.Library, error) {
	c.File, c.Name, c.Private = s.file(name), name, s.private
	return library.Open(ctx, c)
}

// errSeveral is wrapped by the error about a name that stands for several imports.
var errSeveral = errors.New("name one")

// importCalled returns the import that name stands for: the one with that name here, or else the only one that its
// owner calls so. Kind and others are for the error: see [hint.Pick].
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
		return hint.Pick(name, kind, others, events.Catalog.String, "catalog ls")
	case 1:
		return same[0].As, nil
	}
	err := fmt.Errorf("%w: %d imported catalogs are called %s by their owners; here they are %s",
		errSeveral, len(same), name, strings.Join(names, " and "))
	return events.Catalog{}, hint.Add(err, "catalog ls")
}

// readable returns the catalog called name that this account can read, and whether it is its own or imported.
func (e *env) readable(ctx context.Context, me contexts.Context, name string) (c events.Catalog, own bool, err error) {
	s, err := e.catalogFiles(me)
	if err != nil {
		return c, false, err
	}
	mine, err := s.names()
	if err != nil {
		return c, false, err
	}
	imported, err := me.Imports(ctx)
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

// twoCalled returns the error about a name of both an own catalog and an import: requests would reach both.
func (e *env) twoCalled(c events.Catalog, i accounts.Import) error {
	contacts, err := e.contacts()
	if err != nil {
		return err
	}
	const text = "%s is a catalog of yours and one that you import from %s: give the import another name"
	return hint.Add(fmt.Errorf(text, c, contacts.Name(i.Owner)),
		"%s", importLine(i.Catalog, contacts.Typed(i.Owner), suggested(contacts, i.Owner, i.Catalog)))
}

// importedNames returns the names that imports have here, for completion: none if they cannot be read.
func importedNames(ctx context.Context, me contexts.Context) (names []events.Catalog) {
	all, _ := me.Imports(ctx)
	for _, i := range all {
		names = append(names, i.As)
	}
	return names
}

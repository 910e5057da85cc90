package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"natster/cli/contexts"
	"natster/cli/hint"
	"natster/deploy/accounts"
	"natster/events"
	"natster/workloads/catalog/library"
)

// catalogFiles are the catalogs of one context: a file for each, which says what is in it and where.
//
//	$XDG_DATA_HOME/natster/CONTEXT/catalogs/NAME.json
type catalogFiles struct {
	dir  string
	dirs contexts.Dirs
}

func (s catalogFiles) file(c events.Catalog) string { return filepath.Join(s.dir, c.String()+".json") }

// names lists the catalogs, sorted.
func (s catalogFiles) names() ([]events.Catalog, error) {
	files, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
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

// open opens the catalog called name, which may not list directories of natster's own.
func (s catalogFiles) open(ctx context.Context, c library.Config, name events.Catalog) (*library.Library, error) {
	own, err := s.dirs.Own()
	if err != nil {
		return nil, err
	}
	c.File, c.Name, c.Private = s.file(name), name, own
	return library.Open(ctx, c)
}

// errSeveral is wrapped by the error about a name that stands for several imports.
var errSeveral = errors.New("name one")

// importCalled returns the import that name stands for: the one with that name here, or else the only one that its
// owner calls so. Kind and others are for the error: see [hint.Pick].
func importCalled(name, kind string, all []accounts.Import, others ...events.Catalog) (events.Catalog, error) {
	var same []events.Catalog
	var names []string // of same
	for _, i := range all {
		others = append(others, i.As)
		switch name {
		case i.As.String():
			return i.As, nil
		case i.Catalog.String():
			same, names = append(same, i.As), append(names, i.As.String())
		}
	}
	switch len(same) {
	case 0:
		return hint.Pick(name, kind, others, events.Catalog.String, "catalog ls")
	case 1:
		return same[0], nil
	}
	err := fmt.Errorf("%w: %d imported catalogs are called %s by their owners; here they are %s",
		errSeveral, len(same), name, strings.Join(names, " and "))
	return events.Catalog{}, hint.Add(err, "catalog ls")
}

// readable returns the catalog called name that this account can read, and whether it is its own or imported.
func (s *session) readable(ctx context.Context, name string) (c events.Catalog, own bool, err error) {
	mine, err := s.files.names()
	if err != nil {
		return c, false, err
	}
	imported, err := s.me.Imports(ctx)
	if err != nil {
		return c, false, err
	}
	for _, c := range mine {
		if c.String() == name {
			return c, true, s.clash(c, imported)
		}
	}
	c, err = importCalled(name, "no catalog here", imported, mine...)
	if err != nil && !errors.Is(err, errSeveral) {
		err = s.notImported(ctx, name, err)
	}
	return c, false, err
}

// clash returns an error if an import is called like the own catalog c: requests would reach both.
func (s *session) clash(c events.Catalog, imported []accounts.Import) error {
	for _, i := range imported {
		if i.As != c {
			continue
		}
		contacts, err := s.env.contacts()
		if err != nil {
			return err
		}
		const text = "%s is a catalog of yours and one that you import from %s: give the import another name"
		return hint.Add(fmt.Errorf(text, c, contacts.Name(i.Owner)), "%s", importLine(contacts, i))
	}
	return nil
}

package client

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"natster/events"
	"natster/workloads/catalog"
)

// A folder is a directory of a listing: what is in it, in the listing's order, and what all below it comes to.
type folder struct {
	path     string // without a slash at the end; "" is the catalog's own
	folders  []*folder
	files    []catalog.Entry
	bytes    int64
	count    int       // of files, all below
	modified time.Time // of the newest file below; zero where none says
}

func (f *folder) name() string { return f.path[strings.LastIndexByte(f.path, '/')+1:] }

// all calls yield with every file in and below f, in the listing's order.
func (f *folder) all(yield func(catalog.Entry) bool) bool {
	dirs, files := f.folders, f.files
	for len(dirs) > 0 || len(files) > 0 {
		if len(files) == 0 || len(dirs) > 0 && dirs[0].path+"/" < files[0].Path {
			if !dirs[0].all(yield) {
				return false
			}
			dirs = dirs[1:]
			continue
		}
		if !yield(files[0]) {
			return false
		}
		files = files[1:]
	}
	return true
}

// tree returns the folders of a listing by their path.
func tree(c catalog.Contents) map[string]*folder {
	root := &folder{}
	dirs := map[string]*folder{"": root}
	var need func(path string) *folder
	need = func(path string) *folder {
		if d := dirs[path]; d != nil {
			return d
		}
		d := &folder{path: path}
		dirs[path] = d
		up := need(path[:max(0, strings.LastIndexByte(path, '/'))])
		up.folders = append(up.folders, d)
		return d
	}
	for _, e := range c.Entries {
		at := e.Path[:max(0, strings.LastIndexByte(e.Path, '/'))]
		need(at).files = append(dirs[at].files, e)
		for {
			d := need(at)
			d.count++
			d.bytes += e.Size
			if t := e.ModTime(); t.After(d.modified) {
				d.modified = t
			}
			if at == "" {
				break
			}
			at = at[:max(0, strings.LastIndexByte(at, '/'))]
		}
	}
	for _, d := range dirs {
		slices.SortFunc(d.folders, func(a, b *folder) int { return cmp.Compare(a.path+"/", b.path+"/") })
	}
	return dirs
}

// A listing is what a catalog held when it was asked for.
type listing struct {
	contents catalog.Contents
	folders  map[string]*folder
	at       time.Time
	took     time.Duration
}

// young reports whether the listing is good enough to show a folder: a long one is not asked for at every click.
func (l *listing) young() bool {
	return time.Since(l.at) < max(10*time.Second, 20*l.took)
}

// folder returns the folder of that path; one listing of a moment ago will do. It is nil where there is no such folder.
func (g *Gateway) folder(ctx context.Context, name events.Catalog, path string) (*listing, *folder, error) {
	l := g.listed(name)
	if l == nil || !l.young() {
		var err error
		if l, err = g.list(ctx, name); err != nil {
			return nil, nil, err
		}
	}
	return l, l.folders[path], nil
}

// listed is the last listing of the catalog, or nil.
func (g *Gateway) listed(name events.Catalog) *listing {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.listings[name]
}

// list asks for the contents; of several who want them at the same time one asks.
func (g *Gateway) list(ctx context.Context, name events.Catalog) (*listing, error) {
	asked := g.asking.DoChan(name.String(), func() (any, error) {
		began := time.Now()
		contents, err := g.c.List(g.ctx, name)
		if err != nil {
			return nil, err
		}
		l := &listing{contents: contents, folders: tree(contents), at: time.Now(), took: time.Since(began)}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.listings[name] = l
		return l, nil
	})
	select {
	case r := <-asked:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*listing), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

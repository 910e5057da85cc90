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

// A folder is a directory of a listing, with the files and folders in it, and what all files below it add up to.
type folder struct {
	path     string // without a slash at the end; "" is the catalog itself
	folders  []*folder
	files    []catalog.Entry
	bytes    int64
	count    int       // of files, all below
	playable bool      // has a file below that a player plays
	modified time.Time // of the newest file below; zero if not known
}

// parent returns the path of the folder that path is in.
func parent(path string) string { return path[:max(0, strings.LastIndexByte(path, '/'))] }

// tree returns the folders of a listing by their path.
func tree(c catalog.Contents) map[string]*folder {
	dirs := map[string]*folder{"": {}}
	var need func(path string) *folder
	need = func(path string) *folder {
		d := dirs[path]
		if d == nil {
			d = &folder{path: path}
			dirs[path] = d
			up := need(parent(path))
			up.folders = append(up.folders, d)
		}
		return d
	}
	for _, e := range c.Entries {
		d := need(parent(e.Path))
		d.files = append(d.files, e)
		for {
			d.count++
			d.bytes += e.Size
			d.playable = d.playable || playable(e)
			if t := e.ModTime(); t.After(d.modified) {
				d.modified = t
			}
			if d.path == "" {
				break
			}
			d = dirs[parent(d.path)]
		}
	}
	for _, d := range dirs {
		slices.SortFunc(d.folders, func(a, b *folder) int { return cmp.Compare(a.path+"/", b.path+"/") })
	}
	return dirs
}

// A listing is what a catalog contained when it was asked for.
type listing struct {
	contents catalog.Contents
	folders  map[string]*folder
	at       time.Time
	took     time.Duration
}

// recent returns a listing that is good enough to show a folder: a long one is not asked for at every click.
func (g *Gateway) recent(ctx context.Context, name events.Catalog) (*listing, error) {
	if l := g.listed(name); l != nil && time.Since(l.at) < max(10*time.Second, 20*l.took) {
		return l, nil
	}
	return g.list(ctx, name)
}

// listed returns the last listing of the catalog, or nil.
func (g *Gateway) listed(name events.Catalog) *listing {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.listings[name]
}

// list asks for the contents. Concurrent calls share one request.
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

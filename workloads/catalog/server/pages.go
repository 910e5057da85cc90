package server

import (
	"encoding/json"
	"sync"

	"natster/events"
	"natster/workloads/catalog"
)

// maxPages bounds the pages that are kept, in bytes of all catalogs together.
const maxPages = 8 << 20

// pages keeps listings as they are sent, a page and the next of a catalog: who asks again, and others who ask, cost no
// new encoding. It is safe for concurrent use.
type pages struct {
	mu    sync.Mutex
	bytes int
	of    map[pageKey]page
}

// pageKey is what a page depends on, beside the contents.
type pageKey struct {
	catalog events.Catalog
	from    int // the first of its entries
	paged   bool
	gzip    bool
}

// page is a page of the contents of an edition of the catalog.
type page struct {
	edition
	body json.RawMessage
}

// edition tells contents from others: a library makes new entries for what has changed.
type edition struct {
	entries  *catalog.Entry // the first of the catalog; nil if there is none
	count    int
	revision int64
	about    string
}

func editionOf(c catalog.Contents) edition {
	e := edition{count: len(c.Entries), revision: c.Revision, about: c.Description + "\x00" + c.Image}
	if e.count > 0 {
		e.entries = &c.Entries[0]
	}
	return e
}

// get returns the page of the contents, or what fill makes, which is kept.
func (p *pages) get(k pageKey, c catalog.Contents, fill func() (any, error)) (json.RawMessage, error) {
	is := page{edition: editionOf(c)}
	p.mu.Lock()
	kept, ok := p.of[k]
	p.mu.Unlock()
	if ok && kept.edition == is.edition {
		return kept.body, nil
	}
	a, err := fill()
	if err != nil {
		return nil, err
	}
	if is.body, err = json.Marshal(a); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for other, x := range p.of {
		if other.catalog == k.catalog && x.edition != is.edition { // and what it was made of
			p.bytes -= len(x.body)
			delete(p.of, other)
		}
	}
	if p.bytes += len(is.body) - len(p.of[k].body); p.of == nil || p.bytes > maxPages {
		p.of, p.bytes = make(map[pageKey]page), len(is.body)
	}
	p.of[k] = is
	return is.body, nil
}

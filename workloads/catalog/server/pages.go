package server

import (
	"container/list"
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
	of    map[pageKey]*list.Element // of their order, values are *page
	order list.List                 // the one that was asked for longest ago is the first
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
	key  pageKey
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
	is := &page{edition: editionOf(c), key: k}
	if body, ok := p.find(is); ok {
		return body, nil
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
	for other, at := range p.of {
		// An older edition goes with what it was made of.
		if other == k || other.catalog == k.catalog && at.Value.(*page).edition != is.edition {
			p.drop(at)
		}
	}
	if p.of == nil {
		p.of = make(map[pageKey]*list.Element)
	}
	p.of[k] = p.order.PushBack(is)
	p.bytes += len(is.body)
	for p.bytes > maxPages && p.order.Len() > 1 {
		p.drop(p.order.Front())
	}
	return is.body, nil
}

// find returns the body of the page that is kept with the key and the edition of is.
func (p *pages) find(is *page) (json.RawMessage, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.of[is.key]
	if !ok || at.Value.(*page).edition != is.edition {
		return nil, false
	}
	p.order.MoveToBack(at)
	return at.Value.(*page).body, true
}

// drop forgets a page. The lock is held.
func (p *pages) drop(at *list.Element) {
	x := p.order.Remove(at).(*page)
	p.bytes -= len(x.body)
	delete(p.of, x.key)
}

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
	of    map[events.Catalog]*kept
	order list.List // of *page: the one that was asked for longest ago is the first
}

// kept are the pages of a catalog, at least one, and all of one edition.
type kept struct {
	edition
	pages map[pageKey]*list.Element // of the order
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
	all := p.of[k.catalog]
	if all != nil && all.edition != is.edition { // what an older one was made of must not stay for its sake
		for _, at := range all.pages {
			p.drop(at)
		}
	} else if at, made := all.page(k); made { // meanwhile
		p.drop(at)
	}
	if all = p.of[k.catalog]; all == nil {
		all = &kept{is.edition, make(map[pageKey]*list.Element)}
		if p.of == nil {
			p.of = make(map[events.Catalog]*kept)
		}
		p.of[k.catalog] = all
	}
	all.pages[k] = p.order.PushBack(is)
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
	all := p.of[is.key.catalog]
	at, ok := all.page(is.key)
	if !ok || all.edition != is.edition {
		return nil, false
	}
	p.order.MoveToBack(at)
	return at.Value.(*page).body, true
}

// drop forgets a page. The lock is held.
func (p *pages) drop(at *list.Element) {
	x := p.order.Remove(at).(*page)
	p.bytes -= len(x.body)
	all := p.of[x.key.catalog]
	if delete(all.pages, x.key); len(all.pages) == 0 {
		delete(p.of, x.key.catalog)
	}
}

// page returns the page of k, of nothing if nothing is kept.
func (k *kept) page(of pageKey) (at *list.Element, ok bool) {
	if k != nil {
		at, ok = k.pages[of]
	}
	return at, ok
}

package server

import (
	"context"
	"encoding/json"
	"sort"

	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog"
)

// get answers with the contents: all of them to an existing client, which sends nothing, a page where one is asked for.
func (s *Server) get(_ context.Context, r request) (any, func(), error) {
	var q catalog.GetRequest
	if len(r.body) > 0 {
		var err error
		if q, err = decode[catalog.GetRequest](r.body); err != nil {
			return nil, nil, err
		}
	}
	c := r.library.Contents()
	from := 0
	if q.After != "" {
		from = sort.Search(len(c.Entries), func(i int) bool { return c.Entries[i].Path > q.After })
	}
	plain := pageKey{catalog: c.Name, from: from, paged: q.Page}
	fill := func() (any, error) { return s.page(c, from, q.Page) }
	a, err := s.pages.get(plain, c, fill)
	if err == nil && q.Accept == catalog.Gzip {
		compressed := plain
		compressed.gzip = true
		b, failed := s.pages.get(compressed, c, func() (any, error) { return catalog.Compressed(a) })
		if err = failed; len(b) < len(a) {
			a = b
		}
	}
	if err != nil {
		return nil, nil, err
	}
	if q.After == "" { // each listing once, not each page
		s.observe(Activity{Caller: r.caller, Catalog: c.Name, Verb: events.VerbGet})
	}
	return a, nil, nil
}

// page makes the page of the contents that begins with entry from; or all of them, where no page was asked for.
func (s *Server) page(c catalog.Contents, from int, paged bool) (a catalog.GetReply, err error) {
	const rest = 2048 // envelope and numbers; the path in Next is counted below
	budget := int(s.nc.MaxPayload()) - rest - 2*len(c.Description) - len(c.Image)
	a = catalog.GetReply{
		Name: c.Name, Description: c.Description, Image: c.Image, Revision: c.Revision, Total: len(c.Entries),
		Entries: []json.RawMessage{},
	}
	for i := from; i < len(c.Entries); i++ {
		b, err := json.Marshal(&c.Entries[i])
		if err != nil {
			return a, err
		}
		if budget -= len(b) + 1; budget < 2*catalog.MaxPath && i > from {
			if !paged {
				return a, api.Errorf(api.ErrInternal,
					"the listing of %d files does not fit into one message: it takes a client that asks for pages",
					len(c.Entries))
			}
			a.Next = c.Entries[i-1].Path
			break
		}
		a.Entries = append(a.Entries, b)
	}
	return a, nil
}

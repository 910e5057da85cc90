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
	const rest = 2048 // envelope and numbers; the path in Next is counted below
	budget := int(s.nc.MaxPayload()) - rest - 2*len(c.Description) - len(c.Image)
	a := catalog.GetReply{
		Name: c.Name, Description: c.Description, Image: c.Image, Revision: c.Revision, Total: len(c.Entries),
		Entries: []json.RawMessage{},
	}
	from := 0
	if q.After != "" {
		from = sort.Search(len(c.Entries), func(i int) bool { return c.Entries[i].Path > q.After })
	}
	for i := from; i < len(c.Entries); i++ {
		b, err := json.Marshal(&c.Entries[i])
		if err != nil {
			return nil, nil, err
		}
		if budget -= len(b) + 1; budget < 2*catalog.MaxPath && i > from {
			if !q.Page {
				return nil, nil, api.Errorf(api.ErrInternal,
					"the listing of %d files does not fit into one message: it takes a client that asks for pages",
					len(c.Entries))
			}
			a.Next = c.Entries[i-1].Path
			break
		}
		a.Entries = append(a.Entries, b)
	}
	if q.After == "" { // each listing once, not each page
		s.observe(Activity{Caller: r.caller, Catalog: c.Name, Verb: events.VerbGet})
	}
	return a, nil, nil
}

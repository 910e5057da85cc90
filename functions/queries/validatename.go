package queries

import (
	"context"
	"fmt"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
)

func (f *queries) validateName(ctx context.Context, call *functions.Call, name api.Text) (api.NameVerdict, error) {
	c, err := events.ParseCatalog(string(name))
	if err != nil {
		return api.NameVerdict{Message: err.Error()}, nil
	}
	s, err := call.Read(ctx, f.views, view.Catalogs, view.CatalogKey(c))
	if err != nil {
		return api.NameVerdict{}, err
	}
	return verdict(call.From, c, s.Found)
}

// verdict tells whether caller may share a catalog called c.
func verdict(caller events.Account, c events.Catalog, found []view.Found) (api.NameVerdict, error) {
	doc, taken, err := first[view.Catalog](found)
	if err != nil {
		return api.NameVerdict{}, err
	}
	if taken && doc.Owner != caller {
		return api.NameVerdict{Message: fmt.Sprintf("another account already shares a catalog called %s", c)}, nil
	}
	return api.NameVerdict{Valid: true}, nil
}

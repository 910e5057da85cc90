package queries

import (
	"context"
	"errors"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
	"natster/internal/jet"
)

// validateName reports whether the caller can give a new catalog that name: nobody else's catalogs matter, but the hub's.
func (f *queries) validateName(ctx context.Context, call *functions.Call, name api.Text) (api.NameVerdict, error) {
	c, err := events.ParseCatalog(string(name))
	if err != nil {
		return api.NameVerdict{Message: err.Error()}, nil
	}
	if f.cfg.Reserved.Bars(call.From, c) {
		return api.NameVerdict{Message: "only the hub has a catalog called " + f.cfg.Reserved.Catalog.String()}, nil
	}
	s, err := call.Read(ctx, f.views, view.Shares, view.SharesOf(call.From, c))
	if errors.Is(err, jet.ErrTooMany) {
		return own(c), nil
	}
	if err != nil {
		return api.NameVerdict{}, err
	}
	for _, d := range s.Found {
		_, shared, err := view.ShareIn(d)
		switch {
		case err != nil:
			return api.NameVerdict{}, err
		case shared:
			return own(c), nil
		}
	}
	return api.NameVerdict{Valid: true}, nil
}

func own(c events.Catalog) api.NameVerdict {
	return api.NameVerdict{Message: "you already share a catalog called " + c.String()}
}

package authority

import (
	"context"
	"errors"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
	"natster/internal/jet"
)

// A Keeper changes accounts. Its errors are the caller's to read: they are of package api where they are not internal.
type Keeper interface {
	Import(ctx context.Context, importer events.Account, i api.Import) error
	Unimport(ctx context.Context, importer events.Account, as events.Catalog) error
	Imports(ctx context.Context, importer events.Account) ([]api.Import, error)
}

type authority struct {
	functions.NoClose
	keeper Keeper
	views  *view.Reader
}

// New returns the function, which has accounts changed by k.
func New(k Keeper) functions.Function {
	return functions.Function{
		Name: "authority",
		Doc:  "changes the caller's own imports, in worlds that keep the accounts' keys",
		Triggers: []functions.Trigger{
			functions.Request(api.ImportCatalog, (*authority).importCatalog),
			functions.Request(api.UnimportCatalog, (*authority).unimport),
			functions.Request(api.ListImports, (*authority).list),
		},
		Access: functions.Access{Reads: []view.Bucket{view.Shares}},
		New: func(_ context.Context, h functions.Host) (functions.Instance, error) {
			return &authority{keeper: k, views: h.Views}, nil
		},
	}
}

func (f *authority) importCatalog(ctx context.Context, call *functions.Call, q api.ImportRequest) (api.None, error) {
	switch {
	case q.Catalog.IsZero():
		return api.None{}, api.Errorf(api.ErrBadRequest, "catalog is missing")
	case q.Owner.IsZero():
		return api.None{}, api.Errorf(api.ErrBadRequest, "owner is missing")
	}
	s, err := call.Read(ctx, f.views, view.Shares, view.ShareToKey(call.From, q.Owner, q.Catalog))
	if err != nil {
		return api.None{}, err
	}
	shared := false
	for _, d := range s.Found {
		_, ok, err := view.ShareIn(d)
		if err != nil {
			return api.None{}, err
		}
		shared = shared || ok
	}
	if !shared {
		return api.None{}, api.Errorf(api.ErrForbidden, "%s is not shared with you by that account", q.Catalog)
	}
	as := q.As
	if as.IsZero() {
		as = q.Catalog
	}
	switch own, err := f.owns(ctx, call, as); {
	case err != nil:
		return api.None{}, err
	case own:
		return api.None{}, api.Errorf(api.ErrConflict,
			"you have a catalog called %s yourself: import this one under another name", as)
	}
	return api.None{}, f.keeper.Import(ctx, call.From, api.Import(q))
}

// owns reports whether the caller shares a catalog of that name itself: requests to it and to an import would be the
// same.
func (f *authority) owns(ctx context.Context, call *functions.Call, c events.Catalog) (bool, error) {
	s, err := call.Read(ctx, f.views, view.Shares, view.SharesOf(call.From, c))
	if errors.Is(err, jet.ErrTooMany) {
		return true, nil
	}
	for _, d := range s.Found {
		if _, shared, err := view.ShareIn(d); err != nil || shared {
			return shared, err
		}
	}
	return false, err
}

func (f *authority) unimport(ctx context.Context, call *functions.Call, q api.ImportRequest) (api.None, error) {
	if q.Catalog.IsZero() {
		return api.None{}, api.Errorf(api.ErrBadRequest, "catalog is missing")
	}
	return api.None{}, f.keeper.Unimport(ctx, call.From, q.Catalog)
}

func (f *authority) list(ctx context.Context, call *functions.Call, _ api.None) ([]api.Import, error) {
	all, err := f.keeper.Imports(ctx, call.From)
	if all == nil {
		all = []api.Import{} // an empty list, not null
	}
	return all, err
}

package authority

import (
	"cmp"
	"context"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
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
		New: func(context.Context, functions.Host) (functions.Instance, error) {
			return &authority{keeper: k}, nil
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
	offer := view.ShareToKey(call.From, q.Owner, q.Catalog)
	switch shared, err := view.AnyShare(call.Read(ctx, view.Shares, offer)); {
	case err != nil:
		return api.None{}, err
	case !shared:
		return api.None{}, api.Errorf(api.ErrForbidden, "%s is not shared with you by that account", q.Catalog)
	}
	as := cmp.Or(q.As, q.Catalog) // requests to a catalog of one's own of that name would be the same
	switch own, err := view.AnyShare(call.Read(ctx, view.Shares, view.SharesOf(call.From, as))); {
	case err != nil:
		return api.None{}, err
	case own:
		return api.None{}, api.Errorf(api.ErrConflict,
			"you have a catalog called %s yourself: import this one under another name", as)
	}
	return api.None{}, f.keeper.Import(ctx, call.From, api.Import(q))
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

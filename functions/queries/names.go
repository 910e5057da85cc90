package queries

import (
	"context"
	"errors"
	"maps"
	"slices"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
	"natster/internal/jet"
)

// names answers for those of the accounts that chose to be known to the caller, and leaves the others out.
func (f *queries) names(
	ctx context.Context, call *functions.Call, q api.NamesRequest,
) (map[events.Account]string, error) {
	if len(q.Accounts) > api.MaxNames {
		return nil, api.Errorf(api.ErrBadRequest,
			"accounts: %d are too many for one request; %d are the most", len(q.Accounts), api.MaxNames)
	}
	all := make(map[events.Account]string)
	patterns := make([]string, 0, 2*len(q.Accounts))
	for _, a := range q.Accounts {
		if a.IsZero() {
			return nil, api.Errorf(api.ErrBadRequest, "accounts: one of them is empty")
		}
		patterns = append(patterns, view.SharesFrom(a, call.From), view.SharesWith(call.From, a))
	}
	if len(patterns) == 0 {
		return all, nil
	}
	shares, err := call.Read(ctx, view.Shares, patterns...)
	if errors.Is(err, jet.ErrTooMany) {
		return nil, api.Errorf(api.ErrTooMany,
			"these accounts and you share too much to be looked at together: ask for fewer")
	}
	if err != nil {
		return nil, err
	}
	known, err := knownTo(call.From, shares.Found)
	if err != nil || len(known) == 0 {
		return all, err
	}
	accounts, err := f.views.Read(ctx, view.Accounts, 0, known...)
	if err != nil {
		return nil, err
	}
	for _, d := range accounts.Found {
		a, ok, err := view.Doc[view.Account](d)
		if err != nil {
			return nil, err
		}
		if ok && a.Doc.Name != "" {
			all[a.Doc.Account] = a.Doc.Name
		}
	}
	return all, nil
}

// knownTo returns the keys of the accounts that share with the caller or have imported what the caller shares, each
// once.
func knownTo(caller events.Account, shares []view.Found) ([]string, error) {
	known := make(map[string]bool)
	for s, err := range view.SharesIn(shares) {
		switch {
		case err != nil:
			return nil, err
		case s.From != caller:
			known[view.AccountKey(s.From)] = true
		case s.Imported && s.To != caller:
			known[view.AccountKey(s.To)] = true
		}
	}
	return slices.Collect(maps.Keys(known)), nil
}

// validateName reports whether the caller can give a new catalog that name: it must be neither another catalog of the
// caller's nor the hub's. What others call theirs does not matter.
func (f *queries) validateName(ctx context.Context, call *functions.Call, name api.Text) (api.NameVerdict, error) {
	c, err := events.ParseCatalog(string(name))
	if err != nil {
		return api.NameVerdict{Message: err.Error()}, nil
	}
	if f.cfg.Reserved.Bars(call.From, c) {
		return api.NameVerdict{Message: "only the hub has a catalog called " + f.cfg.Reserved.Catalog.String()}, nil
	}
	shared, err := view.AnyShare(call.Read(ctx, view.Shares, view.SharesOf(call.From, c)))
	switch {
	case err != nil:
		return api.NameVerdict{}, err
	case shared:
		return api.NameVerdict{Message: "you already share a catalog called " + c.String()}, nil
	}
	return api.NameVerdict{Valid: true}, nil
}

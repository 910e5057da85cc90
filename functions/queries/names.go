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

// names answers for those of the accounts that chose to be known to the caller, and leaves the others out.
func (f *queries) names(ctx context.Context, call *functions.Call, q api.NamesRequest) (map[events.Account]string, error) {
	if len(q.Accounts) > api.MaxNames {
		return nil, api.Errorf(api.ErrBadRequest, "accounts: %d are too many for one request; %d are the most", len(q.Accounts), api.MaxNames)
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
	shares, err := call.Read(ctx, f.views, view.Shares, patterns...)
	if errors.Is(err, jet.ErrTooMany) {
		return nil, api.Errorf(api.ErrTooMany, "these accounts and you share too much to be looked at together: ask for fewer")
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
	var keys []string
	known := make(map[events.Account]bool)
	for _, d := range shares {
		s, ok, err := view.ShareIn(d)
		if err != nil {
			return nil, err
		}
		other := s.From
		if other == caller {
			other = s.To
			ok = ok && s.Imported
		}
		if ok && other != caller && !known[other] {
			known[other] = true
			keys = append(keys, view.AccountKey(other))
		}
	}
	return keys, nil
}

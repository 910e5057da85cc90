package queries

import (
	"context"

	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
)

func (f *queries) whoami(ctx context.Context, call *functions.Call, _ api.None) (api.Identity, error) {
	s, err := call.Read(ctx, f.views, view.Accounts, view.AccountKey(call.From))
	if err != nil {
		return api.Identity{}, err
	}
	return identity(s.Found)
}

func identity(found []view.Found) (api.Identity, error) {
	doc, ok, err := first[view.Account](found)
	if err != nil {
		return api.Identity{}, err
	}
	if !ok {
		return api.Identity{}, api.Errorf(api.ErrNotFound, "this account is not initialized: natster init does that")
	}
	return api.Identity{Account: doc.Account, OAuthID: doc.OAuthID, Initialized: doc.Initialized, Name: doc.Name}, nil
}

// first is the document that a read for one key found; ok is false when there is none.
func first[D any](found []view.Found) (doc D, ok bool, err error) {
	if len(found) == 0 {
		return doc, false, nil
	}
	s, ok, err := view.Doc[D](found[0])
	return s.Doc, ok, err
}

// Package accounts is the function that keeps the projection of who uses Natster: a document per initialized account.
package accounts

import (
	"natster/events"
	"natster/functions"
	"natster/functions/projection"
	"natster/functions/view"
)

// New returns the function.
func New() functions.Function {
	return Projection().Function("accounts", "keeps who uses natster, from the log")
}

// Projection is what it keeps.
func Projection() projection.Projection[view.Account] {
	return projection.Projection[view.Account]{Bucket: view.Accounts, Keys: keys, Apply: apply}
}

func keys(e events.Envelope) []string {
	switch e.Type {
	case events.Initialized, events.Bound:
		return []string{view.AccountKey(e.Origin)}
	}
	return nil
}

// apply keeps no document of an account that is not initialized: a login it is bound to is found in the logins.
func apply(_ string, d view.Account, e events.Envelope) (view.Account, bool, error) {
	known := !d.Account.IsZero()
	switch e.Type {
	case events.Initialized:
		data, err := events.DataAs[events.InitializedData](e.Event)
		if err != nil {
			return d, known, err
		}
		if !known { // a second time would be no news
			d = view.Account{Account: e.Origin, Name: data.AccountName, Initialized: e.Time.Unix()}
		}
		return d, true, nil
	case events.Bound:
		data, err := events.DataAs[events.BoundData](e.Event)
		if err != nil {
			return d, known, err
		}
		if known {
			d.OAuthID = data.OAuthID
		}
	}
	return d, known, nil
}

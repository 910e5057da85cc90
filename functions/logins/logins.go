// Package logins is the function that keeps the projection of web logins: a document per login, saying which account it
// belongs to and where the sealed context is.
package logins

import (
	"fmt"

	"natster/events"
	"natster/functions"
	"natster/functions/projection"
	"natster/functions/view"
)

// New returns the function.
func New() functions.Function {
	return Projection().Function("logins", "keeps which account a web login belongs to, from the log")
}

// Projection is what it keeps.
func Projection() projection.Projection[view.Login] {
	return projection.Projection[view.Login]{Bucket: view.Logins, Keys: keys, Apply: apply}
}

// keys fall back to any key when the data cannot be read: it is apply that refuses the event.
func keys(e events.Envelope) []string {
	if e.Type != events.Bound {
		return nil
	}
	data, err := events.DataAs[events.BoundData](e.Event)
	if err != nil {
		return []string{view.LoginKey("")}
	}
	return []string{view.LoginKey(data.OAuthID)}
}

// apply lets the latest binding win.
func apply(_ string, d view.Login, e events.Envelope) (view.Login, bool, error) {
	known := !d.Account.IsZero()
	data, err := events.DataAs[events.BoundData](e.Event)
	switch {
	case err != nil:
		return d, known, err
	case data.OAuthID == "":
		return d, known, fmt.Errorf("%w: %s to no login", events.ErrEvent, e.Type)
	}
	return view.Login{OAuthID: data.OAuthID, Account: e.Origin, ContextRef: data.ContextRef}, true, nil
}

// Package shares is the function that keeps the projection of shares: two documents per share, one to be found from
// each side.
package shares

import (
	"natster/events"
	"natster/functions"
	"natster/functions/projection"
	"natster/functions/view"
)

// New returns the function.
func New() functions.Function {
	return Projection().Function("shares", "keeps who shares what with whom, from the log")
}

// Projection is what it keeps.
func Projection() projection.Projection[view.Share] {
	return projection.Projection[view.Share]{Bucket: view.Shares, Keys: keys, Apply: apply}
}

func keys(e events.Envelope) []string {
	from, to := e.Origin, e.Target
	switch e.Type {
	case events.Shared, events.Unshared:
	case events.Imported: // said by the receiver
		from, to = to, from
	default:
		return nil
	}
	return []string{view.ShareByKey(from, e.Catalog, to), view.ShareToKey(to, from, e.Catalog)}
}

// apply treats both documents of a share alike.
func apply(_ string, d view.Share, e events.Envelope) (view.Share, bool, error) {
	known := !d.From.IsZero()
	switch e.Type {
	case events.Shared: // again, too: the receiver's import stands until the receiver takes it back
		return view.Share{From: e.Origin, To: e.Target, Catalog: e.Catalog, Imported: d.Imported}, true, nil
	case events.Unshared:
		d.Taken = d.Imported
		return d, d.Taken, nil
	case events.Imported:
		d.Imported = known
	}
	return d, known, nil
}

// Package catalogs is the function that keeps the projection of catalog names: a document per name, saying whose it is.
package catalogs

import (
	"fmt"

	"natster/events"
	"natster/functions"
	"natster/functions/projection"
	"natster/functions/view"
)

// New returns the function.
func New() functions.Function {
	return Projection().Function("catalogs", "keeps who owns which catalog name, from the log")
}

// Projection is what it keeps.
func Projection() projection.Projection[view.Catalog] {
	return projection.Projection[view.Catalog]{Bucket: view.Catalogs, Keys: keys, Apply: apply}
}

func keys(e events.Envelope) []string {
	if e.Type == events.Claimed {
		return []string{view.CatalogKey(e.Catalog)}
	}
	return nil
}

func apply(_ string, d view.Catalog, e events.Envelope) (view.Catalog, bool, error) {
	known := !d.Owner.IsZero()
	data, err := events.DataAs[events.ClaimedData](e.Event)
	switch {
	case err != nil:
		return d, known, err
	case data.Owner.IsZero():
		return d, known, fmt.Errorf("%w: %s by nobody", events.ErrEvent, e.Type)
	case known: // a name belongs to who claimed it first
		return d, true, nil
	}
	return view.Catalog{Catalog: e.Catalog, Owner: data.Owner}, true, nil
}

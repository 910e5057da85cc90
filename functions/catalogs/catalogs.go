// Package catalogs is the function that keeps the projection of catalogs: a document per owner and name, from when the
// catalog is first shared. Before that it concerns no other account; after that it exists, shared or not.
package catalogs

import (
	"natster/events"
	"natster/functions"
	"natster/functions/projection"
	"natster/functions/view"
)

// New returns the function.
func New() functions.Function {
	return Projection().Function("catalogs", "keeps which catalogs each account has shared, from the log")
}

// Projection is what it keeps.
func Projection() projection.Projection[view.Catalog] {
	return projection.Projection[view.Catalog]{Bucket: view.Catalogs, Keys: keys, Apply: apply}
}

func keys(e events.Envelope) []string {
	if e.Type == events.Shared {
		return []string{view.CatalogKey(e.Origin, e.Catalog)}
	}
	return nil
}

func apply(_ string, _ view.Catalog, e events.Envelope) (view.Catalog, bool, error) {
	return view.Catalog{Catalog: e.Catalog, Owner: e.Origin}, true, nil
}

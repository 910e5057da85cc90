package catalogs_test

import (
	"testing"

	"natster/events"
	"natster/functions/catalogs"
	"natster/functions/view"
	"natster/internal/test/logtest"
)

var (
	alice, bob = logtest.Account(1), logtest.Account(2)
	films      = logtest.Catalog("films")
)

func TestProjection(t *testing.T) {
	claimed := events.WithData(events.Event{Type: events.Claimed, Catalog: films}, events.ClaimedData{Owner: bob})
	shared := events.Event{Type: events.Shared, Origin: alice, Target: bob, Catalog: films}
	unshared := events.Event{Type: events.Unshared, Origin: alice, Target: bob, Catalog: films}
	same := events.Event{Type: events.Shared, Origin: bob, Target: alice, Catalog: films}
	doc := func(position string, a events.Account) string {
		return `{"position":` + position + `,"doc":{"catalog":"films","owner":"` + a.String() + `"}}`
	}
	alices, bobs := view.CatalogKey(alice, films), view.CatalogKey(bob, films)
	logtest.Rows(t, catalogs.Projection(), []logtest.Row{
		{When: "a catalog is shared", Events: []events.Event{shared}, Then: map[string]string{alices: doc("1", alice)}},
		{When: "it is shared and taken back", Events: []events.Event{shared, unshared, shared},
			Then: map[string]string{alices: doc("1", alice)}},
		{When: "two accounts share a catalog of one name", Events: []events.Event{shared, same},
			Then: map[string]string{alices: doc("1", alice), bobs: doc("2", bob)}},
		{When: "an old log says that a name was claimed", Events: []events.Event{claimed}},
		{When: "what an old log says was claimed is shared by another", Events: []events.Event{claimed, shared},
			Then: map[string]string{alices: doc("2", alice)}},
	})
}

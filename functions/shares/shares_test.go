package shares_test

import (
	"testing"

	"natster/events"
	"natster/functions/shares"
	"natster/functions/view"
	"natster/internal/test/logtest"
)

var (
	alice, bob = logtest.Account(1), logtest.Account(2)
	films      = logtest.Catalog("films")
)

func TestProjection(t *testing.T) {
	shared := events.Event{Type: events.Shared, Origin: alice, Target: bob, Catalog: films}
	unshared := events.Event{Type: events.Unshared, Origin: alice, Target: bob, Catalog: films}
	imported := events.Event{Type: events.Imported, Origin: bob, Target: alice, Catalog: films}
	wrongWay := events.Event{Type: events.Imported, Origin: alice, Target: bob, Catalog: films}
	both := func(position, more string) map[string]string {
		doc := `{"position":` + position + `,"doc":{"from":"` + alice.String() + `","to":"` + bob.String() +
			`","catalog":"films"` + more + `}}`
		return map[string]string{view.ShareByKey(alice, films, bob): doc, view.ShareToKey(bob, alice, films): doc}
	}
	logtest.Rows(t, shares.Projection(), []logtest.Row{
		{When: "a catalog is shared", Events: []events.Event{shared}, Then: both("1", "")},
		{When: "it is imported", Events: []events.Event{shared, imported}, Then: both("2", `,"imported":true`)},
		{When: "it is imported twice", Events: []events.Event{shared, imported, imported},
			Then: both("2", `,"imported":true`)},
		{When: "the sharing side says imported", Events: []events.Event{shared, wrongWay}, Then: both("1", "")},
		{When: "it is taken back", Events: []events.Event{shared, unshared}},
		{When: "it is taken back when it was imported", Events: []events.Event{shared, imported, unshared},
			Then: both("3", `,"imported":true,"taken":true`)},
		{When: "that is taken back twice", Events: []events.Event{shared, imported, unshared, unshared},
			Then: both("3", `,"imported":true,"taken":true`)},
		{When: "it is shared again after that", Events: []events.Event{shared, imported, unshared, shared},
			Then: both("4", `,"imported":true`)},
		{When: "it is shared again and was never imported", Events: []events.Event{shared, unshared, shared},
			Then: both("3", "")},
		{When: "it is shared twice", Events: []events.Event{shared, imported, shared},
			Then: both("2", `,"imported":true`)},
		{When: "what is not shared is imported", Events: []events.Event{imported}},
		{When: "what is not shared is taken back", Events: []events.Event{unshared}},
	})
}

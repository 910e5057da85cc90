package catalogs_test

import (
	"testing"

	"natster/events"
	"natster/functions/catalogs"
	"natster/functions/projection/logtest"
)

var (
	alice, bob = logtest.Account(1), logtest.Account(2)
	films      = logtest.Catalog("films")
)

func claimed(a events.Account) events.Event {
	return events.WithData(events.Event{Type: events.Claimed, Catalog: films}, events.ClaimedData{Owner: a})
}

func TestProjection(t *testing.T) {
	alices := map[string]string{"films": `{"position":1,"doc":{"catalog":"films","owner":"` + alice.String() + `"}}`}
	logtest.Rows(t, catalogs.Projection(), []logtest.Row{
		{When: "a name is claimed", Events: []events.Event{claimed(alice)}, Then: alices},
		{When: "it is claimed by another, too", Events: []events.Event{claimed(alice), claimed(bob)}, Then: alices},
		{When: "its catalog is shared and taken back", Then: alices, Events: []events.Event{claimed(alice),
			{Type: events.Shared, Origin: alice, Target: bob, Catalog: films},
			{Type: events.Unshared, Origin: alice, Target: bob, Catalog: films}}},
		{When: "nobody claims it", Events: []events.Event{claimed(events.Account{})}},
		{When: "the claim is malformed", Events: []events.Event{{Type: events.Claimed, Catalog: films, Data: []byte(`{"owner":"me"}`)}}},
	})
}

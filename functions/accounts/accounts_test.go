package accounts_test

import (
	"testing"

	"natster/events"
	"natster/functions/accounts"
	"natster/internal/test/logtest"
)

var alice, bob = logtest.Account(1), logtest.Account(2)

func initialized(a events.Account, name string) events.Event {
	return events.WithData(events.Event{Type: events.Initialized, Origin: a},
		events.InitializedData{AccountID: "1", AccountName: name, AccountKey: a})
}

func bound(a events.Account, login string) events.Event {
	return events.WithData(events.Event{Type: events.Bound, Origin: a},
		events.BoundData{OAuthID: login, ContextRef: "r"})
}

func TestProjection(t *testing.T) {
	aliceDoc := `"doc":{"account":"` + alice.String() + `","name":"alice","initialized":1767225600`
	logtest.Rows(t, accounts.Projection(), []logtest.Row{
		{When: "nothing happened"},
		{When: "an account initializes", Events: []events.Event{initialized(alice, "alice")},
			Then: map[string]string{alice.String(): `{"position":1,` + aliceDoc + `}}`}},
		{When: "it initializes again under another name",
			Events: []events.Event{initialized(alice, "alice"), initialized(alice, "eve")},
			Then:   map[string]string{alice.String(): `{"position":1,` + aliceDoc + `}}`}},
		{When: "it logs in on the web", Events: []events.Event{initialized(alice, "alice"), bound(alice, "github|1")},
			Then: map[string]string{alice.String(): `{"position":2,` + aliceDoc + `,"oauth_id":"github|1"}}`}},
		{When: "it logs in as somebody else", Events: []events.Event{initialized(alice, "alice"),
			bound(alice, "github|1"), bound(alice, "github|2")},
			Then: map[string]string{alice.String(): `{"position":3,` + aliceDoc + `,"oauth_id":"github|2"}}`}},
		{When: "an account that is not initialized logs in", Events: []events.Event{bound(bob, "github|1")}},
		{When: "an initialization is malformed",
			Events: []events.Event{{Type: events.Initialized, Origin: bob, Data: []byte(`[]`)},
				initialized(alice, "alice")},
			Then: map[string]string{alice.String(): `{"position":2,` + aliceDoc + `}}`}},
		{When: "a login is malformed",
			Events: []events.Event{initialized(alice, "alice"), {Type: events.Bound, Origin: alice}},
			Then:   map[string]string{alice.String(): `{"position":1,` + aliceDoc + `}}`}},
		{When: "something is shared", Events: []events.Event{{Type: events.Shared, Origin: alice, Target: bob,
			Catalog: logtest.Catalog("films")}}},
	})
}

package logins_test

import (
	"testing"

	"natster/events"
	"natster/functions/logins"
	"natster/functions/view"
	"natster/internal/test/logtest"
)

var alice, bob = logtest.Account(1), logtest.Account(2)

func bound(a events.Account, login, ref string) events.Event {
	return events.WithData(events.Event{Type: events.Bound, Origin: a},
		events.BoundData{OAuthID: login, ContextRef: ref})
}

func TestProjection(t *testing.T) {
	doc := func(position string, a events.Account, ref string) map[string]string {
		return map[string]string{view.LoginKey("github|1"): `{"position":` + position +
			`,"doc":{"oauth_id":"github|1","account":"` +
			a.String() + `","context_ref":"` + ref + `"}}`}
	}
	logtest.Rows(t, logins.Projection(), []logtest.Row{
		{When: "a login is bound", Events: []events.Event{bound(alice, "github|1", "x")}, Then: doc("1", alice, "x")},
		{When: "it is bound again", Events: []events.Event{bound(alice, "github|1", "x"),
			bound(alice, "github|1", "y")}, Then: doc("2", alice, "y")},
		{When: "it is bound to another account",
			Events: []events.Event{bound(alice, "github|1", "x"), bound(bob, "github|1", "y")},
			Then:   doc("2", bob, "y")},
		{When: "no login is bound", Events: []events.Event{bound(alice, "", "x")}},
		{When: "the binding is malformed", Events: []events.Event{{Type: events.Bound, Origin: alice,
			Data: []byte(`"x"`)}}},
	})
}

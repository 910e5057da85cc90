package queries_test

import (
	"maps"
	"strings"
	"testing"

	"natster/events"
	"natster/functions/api"
	"natster/functions/view"
	"natster/internal/test/eventstest"
)

// Who shares with alice chose to be known to her, and who imported from her; whom she merely offers something did not.
func TestNamesAreOfThoseWhoChoseToBeKnown(t *testing.T) {
	h := start(t)
	alice, bob, carol, dave, erin := h.Key("alice"), h.Key("bob"), h.Key("carol"), h.Key("dave"), h.Key("erin")
	films, music := eventstest.Catalog(t, "films"), eventstest.Catalog(t, "music")
	docs := make(map[string]any)
	for name, a := range map[string]events.Account{"Alice": alice, "Bob": bob, "Carol": carol, "Dave": dave, "": erin} {
		docs[view.AccountKey(a)] = view.Account{Account: a, Name: name}
	}
	h.Project(view.Accounts, 1, 5, docs)
	h.ProjectShares(1, 9,
		view.Share{From: bob, Catalog: music, To: alice},
		view.Share{From: alice, Catalog: films, To: carol, Imported: true},
		view.Share{From: alice, Catalog: films, To: dave},
		view.Share{From: dave, Catalog: films, To: carol},
		view.Share{From: erin, Catalog: music, To: alice})
	everybody := []events.Account{alice, bob, carol, dave, erin}
	for who, want := range map[string]map[events.Account]string{
		"alice": {bob: "Bob", carol: "Carol"},
		"bob":   {},
		"carol": {alice: "Alice", dave: "Dave"},
		"dave":  {alice: "Alice"},
	} {
		got, err := h.Client(who).Names(t.Context(), everybody...)
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("%s knows %v, %v; not %v", who, got, err, want)
		}
	}
	if got, err := h.Client("alice").Names(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("nobody is %v, %v", got, err)
	}
	if got, err := h.Client("alice").Names(t.Context(), strangers(t, api.MaxNames+3)...); err != nil || len(got) != 0 {
		t.Errorf("strangers are %v, %v", got, err)
	}
}

func TestTooManyNamesAreRefused(t *testing.T) {
	h := start(t)
	conn := h.Account("alice").Conn(t)
	bob := `"` + h.Key("bob").String() + `"`
	for name, q := range map[string]string{
		"too many":   `{"accounts":[` + bob + strings.Repeat(","+bob, api.MaxNames) + `]}`,
		"no key":     `{"accounts":["*"]}`,
		"an empty":   `{"accounts":[""]}`,
		"no list":    `{"accounts":"all"}`,
		"no request": `nobody`,
	} {
		if e := h.Ask(conn, api.Names.Subject(), []byte(q)); e.Code != api.CodeBadRequest {
			t.Errorf("%s: %d %s", name, e.Code, e.Error)
		}
	}
}

package server_test

import (
	"encoding/json"
	"testing"

	"natster/deploy/accounts"
	"natster/events"
	"natster/functions/api"
	"natster/internal/test/catalogtest"
	"natster/internal/test/eventstest"
	"natster/internal/test/worldtest"
	"natster/workloads/catalog"
	"natster/workloads/catalog/server"
)

// What the account's imports say counts, not what it once said of them.
func TestTheInboxFollowsSharesAndImports(t *testing.T) {
	w := worldtest.Start(t)
	alice, bob := w.Account("alice"), w.Account("bob")
	functions := map[*worldtest.Account]*api.Client{}
	for _, a := range []*worldtest.Account{alice, bob} {
		functions[a] = api.NewClient(a.Conn(t))
		if err := functions[a].Initialize(t.Context(), a.Key, a.Name, a.Name); err != nil {
			t.Fatal(err)
		}
	}
	mine, as := eventstest.Catalog(t, "mine"), eventstest.Catalog(t, "alicefilms")
	catalogtest.Serve(t, server.Config{
		Conn: bob.Conn(t), Account: bob.Key, Shares: functions[bob],
		Catalogs: []server.Library{catalogtest.NewLibrary(mine)},
	})

	listed := func(want bool, when string) {
		t.Helper()
		functions[bob].Observe(functions[alice].Position())
		env := catalogtest.Ask(t, bob.Conn(t), events.LocalInbox, nil)
		var a catalog.InboxReply
		if err := json.Unmarshal(env.Data, &a); err != nil {
			t.Fatal(err)
		}
		got := false
		for _, x := range a.Shares {
			got = got || x.From == alice.Key && x.Catalog == films
		}
		if got != want {
			t.Errorf("%s: listed as not imported is %v", when, got)
		}
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(functions[alice].Share(t.Context(), films, bob.Key))
	listed(true, "shared")
	do(w.Keeper().Import(t.Context(), bob.Key, accounts.Import{Catalog: films, Owner: alice.Key, As: as}))
	do(functions[bob].Imported(t.Context(), films, alice.Key))
	listed(false, "imported")
	do(functions[alice].Unshare(t.Context(), films, bob.Key))
	listed(false, "taken back")
	do(functions[alice].Share(t.Context(), films, bob.Key))
	listed(false, "given again, while the import stands")
	do(w.Keeper().Unimport(t.Context(), bob.Key, as))
	listed(true, "the import was taken back")
}

package functionstest_test

import (
	"encoding/json"
	"errors"
	"testing"

	"natster/deploy/world"
	"natster/events"
	"natster/functions/api"
	"natster/internal/test/functionstest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
)

// All functions of the real world together, as accounts see them: what single functions are tested with stand-ins for.

// What New of each function returns has the methods that its triggers name.
func TestEachFunctionStarts(t *testing.T) {
	b := functionstest.Bare(t)
	all := world.Functions(world.Settings{Accounts: b.Accounts(), HubCatalog: b.HubCatalog(), Keys: b.Config().Dir,
		World: b.Config().Dir})
	for _, f := range all {
		t.Run(f.Name, func(t *testing.T) { b.Run(f) })
	}
}

func TestALoginFromCodeToContext(t *testing.T) {
	w := worldtest.Start(t)
	alice := w.Account("alice")
	me := api.NewClient(alice.Conn(t))
	nc, err := w.Site(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	site := api.NewClient(nc)

	about := api.Context{AccountName: "alice", AccountPublicKey: alice.Key, AccessToken: "secret"}
	early, err := me.GenerateCode(t.Context(), about)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := site.ClaimCode(t.Context(), early.Code, "github|1"); !errors.Is(err, api.ErrBadRequest) {
		t.Errorf("a login is bound to an account that is not initialized: %v", err)
	}
	if err := me.Initialize(t.Context(), alice.Key, "1", "alice"); err != nil {
		t.Fatal(err)
	}
	code, err := me.GenerateCode(t.Context(), about)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := site.ClaimCode(t.Context(), code.Code, "github|1"); err != nil || got != about {
		t.Fatalf("the site claims another context: %v", err)
	}
	if got, err := site.GetContext(t.Context(), "github|1"); err != nil || got.Context != about {
		t.Errorf("the site's next query does not see its own claim: %v", err)
	}
	me.Observe(site.Position())
	if got, err := me.Whoami(t.Context()); err != nil || got.OAuthID != "github|1" || got.Name != "alice" ||
		got.Account != alice.Key {
		t.Errorf("alice is %+v, %v", got, err)
	}
}

func TestANewcomerSeesTheHubsCatalog(t *testing.T) {
	w := worldtest.Start(t)
	bob := w.Account("bob")
	nc := bob.Conn(t)
	news, err := nc.SubscribeSync(events.FeedLocal(events.FeedShared))
	if err != nil {
		t.Fatal(err)
	}
	client := api.NewClient(nc)
	if err := client.Initialize(t.Context(), bob.Key, "2", "bob"); err != nil {
		t.Fatal(err)
	}
	m := wait.Message(t, news)
	var n api.ShareNews
	if err := json.Unmarshal(m.Data, &n); err != nil || n.To != bob.Key || n.From != w.Accounts().Hub ||
		n.Catalog != w.HubCatalog() {
		t.Fatalf("bob hears %s", m.Data)
	}
	client.Observe(n.Position)
	shares, err := client.Shares(t.Context())
	if err != nil || len(shares) != 1 || shares[0].From != w.Accounts().Hub || shares[0].Catalog != w.HubCatalog() {
		t.Errorf("bob sees %+v, %v", shares, err)
	}
	if v, err := client.ValidateName(t.Context(), w.HubCatalog().String()); err != nil || v.Valid {
		t.Errorf("bob may use the hub's name: %+v, %v", v, err)
	}
}

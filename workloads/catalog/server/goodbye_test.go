package server_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/internal/test/catalogtest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
	"natster/workloads/catalog/server"
)

func TestFriendsHearThatACatalogIsNotServedAnyMore(t *testing.T) {
	w := worldtest.Start(t)
	alice, bob := w.Account("alice"), w.Account("bob")
	clients := make(map[events.Account]*api.Client)
	for _, a := range []*worldtest.Account{alice, bob} {
		clients[a.Key] = api.NewClient(a.Conn(t))
		if err := clients[a.Key].Initialize(t.Context(), a.Key, "", ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := clients[alice.Key].Share(t.Context(), films, bob.Key); err != nil {
		t.Fatal(err)
	}
	clients[bob.Key].Observe(clients[alice.Key].Position())
	hear := func(kind string) *nats.Subscription {
		sub, err := bob.Conn(t).SubscribeSync(events.FeedLocal(kind))
		if err == nil {
			err = bob.Conn(t).Flush()
		}
		if err != nil {
			t.Fatal(err)
		}
		return sub
	}
	came, went := hear(events.FeedHeartbeat), hear(events.FeedOffline)
	_, stop := catalogtest.Serve(t, server.Config{
		Conn: alice.Connect(t), Account: alice.Key, Shares: clients[alice.Key],
		Catalogs: []server.Library{catalogtest.NewLibrary(films)},
	})
	expect := func(sub *nats.Subscription, online bool) {
		t.Helper()
		for {
			m := wait.Message(t, sub)
			if strings.Contains(string(m.Data), alice.Key.String()) {
				break // the hub's catalog comes and goes, too
			}
		}
		shares, err := clients[bob.Key].Shares(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range shares {
			if x.From == alice.Key && x.Online != online {
				t.Errorf("bob's shares say online is %v", x.Online)
			}
		}
	}
	expect(came, true)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	expect(went, false)
}

func TestACatalogThatAnotherServerStillServesStaysOnline(t *testing.T) {
	w := catalogtest.Start(t)
	_, first := w.Serve(t)
	w.Serve(t)
	admin := w.In(w.Accounts().Global)
	said, err := admin.SubscribeSync("*.natster.global.heartbeats.*")
	if err == nil {
		err = admin.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := first(); err != nil {
		t.Fatal(err)
	}
	// The goodbye of one may come before or after what the other says to it; the last word says that it is there.
	var last string
	for stopped := false; !stopped || !strings.HasSuffix(last, ".put"); {
		m, err := said.NextMsg(wait.Patience)
		if err != nil {
			t.Fatalf("after the goodbye nobody says that the other server is there; the last word was %q", last)
		}
		var h api.Heartbeat
		if err := json.Unmarshal(m.Data, &h); err != nil {
			t.Fatal(err)
		}
		if h.Account == w.Alice.Key {
			last = m.Subject
			stopped = stopped || strings.HasSuffix(last, ".stop")
		}
	}
}

package server_test

import (
	"encoding/json"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/internal/test/catalogtest"
	"natster/internal/test/wait"
	"natster/workloads/catalog"
)

func TestTheServerSaysThatItIsThere(t *testing.T) {
	w := catalogtest.Start(t)
	nc := w.Alice.Conn(t)
	sub := func(subject string) *nats.Subscription {
		s, err := nc.SubscribeSync(subject)
		if err == nil {
			err = nc.Flush()
		}
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	local, offline := sub(events.LocalHeartbeat), sub(events.LocalOffline)
	admin := w.In(w.Accounts().Global)
	global, err := admin.SubscribeSync(api.PutHeartbeat.Service())
	if err == nil {
		err = admin.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	expect := func(s *nats.Subscription, revision int64) {
		t.Helper()
		var h api.Heartbeat
		for h.Catalog != films { // the world's own hub may be there too
			m := wait.Message(t, s)
			if err := json.Unmarshal(m.Data, &h); err != nil {
				t.Fatal(err)
			}
		}
		if h != (api.Heartbeat{Catalog: films, Account: w.Alice.Key, Revision: revision}) {
			t.Fatalf("%+v", h)
		}
	}
	_, stop := w.Serve(t)
	first := w.Library.Revision()
	expect(local, first)
	expect(global, first)
	w.Library.Add("a.mp4", nil)
	expect(local, first+1)
	expect(global, first+1)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	expect(offline, first+1)
}

func TestTheInboxHasWhatIsNotImportedYet(t *testing.T) {
	w := catalogtest.Start(t)
	music, _ := events.ParseCatalog("music")
	photos, _ := events.ParseCatalog("photos")
	w.Shares.Set(
		api.Share{From: w.Alice.Key, To: w.Bob.Key, Catalog: films},
		api.Share{From: w.Bob.Key, To: w.Alice.Key, Catalog: music, Online: true, Revision: 3},
		api.Share{From: w.Bob.Key, To: w.Alice.Key, Catalog: photos, Imported: true},
	)
	w.Serve(t)
	env := catalogtest.Ask(t, w.Alice.Conn(t), events.LocalInbox, nil)
	expectCode(t, env, api.CodeOK)
	var a catalog.InboxReply
	if err := json.Unmarshal(env.Data, &a); err != nil {
		t.Fatal(err)
	}
	if a.Catalog != films || a.Account != w.Alice.Key || len(a.Shares) != 1 ||
		a.Shares[0].Catalog != music || !a.Shares[0].Online {
		t.Fatalf("%+v", a)
	}
}

package presence_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"natster/functions/api"
	"natster/functions/presence"
	"natster/functions/view"
	"natster/internal/test/eventstest"
	"natster/internal/test/functionstest"
)

// beat sends a heartbeat as a request, so that the answer says when it has been kept.
func beat(t *testing.T, b *functionstest.Bench, from string, h api.Heartbeat) error {
	t.Helper()
	_, err := api.Call(t.Context(), b.Client(from), api.PutHeartbeat, h)
	return err
}

// shared is a bench in which each account has shared catalogs of these names.
func shared(t *testing.T, catalogs map[string][]string) *functionstest.Bench {
	t.Helper()
	b := functionstest.Start(t, presence.New())
	docs := make(map[string]any)
	for account, names := range catalogs {
		for _, name := range names {
			c := view.Catalog{Catalog: eventstest.Catalog(t, name), Owner: b.Key(account)}
			docs[view.CatalogKey(c.Owner, c.Catalog)] = c
		}
	}
	b.Project(view.Catalogs, 1, 7, docs)
	return b
}

var alicesFilms = map[string][]string{"alice": {"films"}}

func TestACatalogIsOnlineWhenItsOwnerSaysSo(t *testing.T) {
	b := shared(t, alicesFilms)
	films, alice := eventstest.Catalog(t, "films"), b.Key("alice")
	for _, revision := range []int64{41, 42} {
		if err := beat(t, b, "alice", api.Heartbeat{Catalog: films, Account: alice, Revision: revision}); err != nil {
			t.Fatal(err)
		}
	}
	found, err := b.Views.Entries(t.Context(), view.Presence, view.PresenceKey(alice, films))
	if err != nil || len(found) != 1 {
		t.Fatalf("%d documents, %v", len(found), err)
	}
	var h api.Heartbeat
	if err := json.Unmarshal(found[0].Value, &h); err != nil ||
		h != (api.Heartbeat{Catalog: films, Account: alice, Revision: 42}) {
		t.Errorf("%s: %v", found[0].Value, err)
	}
}

func TestAHeartbeatThatWantsNoReplyCounts(t *testing.T) {
	b := shared(t, alicesFilms)
	films, alice := eventstest.Catalog(t, "films"), b.Key("alice")
	kept, err := b.Admin.SubscribeSync(view.Presence.Subject(">"))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Admin.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := b.Client("alice").Heartbeat(api.Heartbeat{Catalog: films, Account: alice, Revision: 1}); err != nil {
		t.Fatal(err)
	}
	if m := b.Next(kept); m.Subject != view.Presence.Subject(view.PresenceKey(alice, films)) {
		t.Errorf("kept under %s", m.Subject)
	}
}

func TestACatalogIsOfflineWhenItsOwnerSaysSo(t *testing.T) {
	b := shared(t, alicesFilms)
	films, alice := eventstest.Catalog(t, "films"), b.Key("alice")
	online := func() bool {
		t.Helper()
		found, err := b.Views.Entries(t.Context(), view.Presence, view.PresenceKey(alice, films))
		if err != nil {
			t.Fatal(err)
		}
		return len(found) == 1
	}
	say := func(from string, e api.Endpoint[api.Heartbeat, api.None], want error) {
		t.Helper()
		h := api.Heartbeat{Catalog: films, Account: alice, Revision: 41}
		if _, err := api.Call(t.Context(), b.Client(from), e, h); !errors.Is(err, want) {
			t.Fatalf("%s by %s: %v, want %v", e.Name, from, err, want)
		}
	}
	say("alice", api.StopHeartbeat, nil) // of what never was
	say("alice", api.PutHeartbeat, nil)
	say("bob", api.StopHeartbeat, api.ErrForbidden)
	if !online() {
		t.Error("bob said that alice's catalog is offline, and was believed")
	}
	say("alice", api.StopHeartbeat, nil)
	if online() {
		t.Error("it is online after the goodbye")
	}
	say("alice", api.PutHeartbeat, nil)
	if !online() {
		t.Error("it does not come back")
	}
}

func TestNobodySendsHeartbeatsForAnothersCatalog(t *testing.T) {
	b := shared(t, map[string][]string{"alice": {"films"}, "bob": {"films"}})
	films := eventstest.Catalog(t, "films")
	for name, c := range map[string]struct {
		h    api.Heartbeat
		want error
	}{
		"for another":                  {api.Heartbeat{Catalog: films, Account: b.Key("alice")}, api.ErrForbidden},
		"for nobody":                   {api.Heartbeat{Catalog: films}, api.ErrForbidden},
		"of no catalog":                {api.Heartbeat{Account: b.Key("bob")}, api.ErrBadRequest},
		"of no catalog, another":       {api.Heartbeat{Account: b.Key("alice")}, api.ErrForbidden},
		"of a catalog called the same": {api.Heartbeat{Catalog: films, Account: b.Key("bob")}, nil},
	} {
		if err := beat(t, b, "bob", c.h); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for _, m := range b.Raw(view.Presence.Stream()) {
		if m.Subject != view.Presence.Subject(view.PresenceKey(b.Key("bob"), films)) {
			t.Errorf("bob put %s", m.Subject)
		}
	}
}

func TestOnlyAHeartbeatIsKept(t *testing.T) {
	b := shared(t, alicesFilms)
	alice := b.Key("alice")
	body := fmt.Sprintf(`{"catalog":"films","account_key":%q,"revision":7,"junk":"and more of it"}`, alice)
	if e := b.Ask(b.Account("alice").Conn(t), api.PutHeartbeat.Subject(), []byte(body)); e.Code != api.CodeOK {
		t.Fatal(e.Error)
	}
	for _, m := range b.Raw(view.Presence.Stream()) {
		if want := fmt.Sprintf(`{"catalog":"films","account_key":%q,"revision":7}`, alice); string(m.Data) != want {
			t.Errorf("kept %s", m.Data)
		}
	}
}

func TestAnAccountCannotFillTheBucket(t *testing.T) {
	const burst = 512
	b := shared(t, map[string][]string{"alice": {"films"}, "mallory": {"junk"}})
	junk := api.Heartbeat{Catalog: eventstest.Catalog(t, "junk"), Account: b.Key("mallory")}
	for range burst {
		b.Advance(-time.Minute) // a clock that goes back gives nothing back, however long this takes
		if err := beat(t, b, "mallory", junk); err != nil {
			t.Fatal(err)
		}
	}
	b.Advance(-time.Minute)
	if err := beat(t, b, "mallory", junk); !errors.Is(err, api.ErrTooMany) {
		t.Error(err)
	}
	films := api.Heartbeat{Catalog: eventstest.Catalog(t, "films"), Account: b.Key("alice")}
	if err := beat(t, b, "alice", films); err != nil {
		t.Errorf("alice pays for mallory: %v", err)
	}
}

func TestBadRequestsAreAnswered(t *testing.T) {
	b := shared(t, alicesFilms)
	bodies := functionstest.BadBodies()
	for _, name := range []string{"", ".", "*", "films.x", "fil ms", "none", "../x", "fi\u00e9"} {
		body, err := json.Marshal(map[string]any{"catalog": name, "account_key": b.Key("alice"), "revision": 1})
		if err != nil {
			t.Fatal(err)
		}
		bodies["catalog "+name] = body
	}
	bodies["revision is text"] = fmt.Appendf(nil, `{"catalog":"films","account_key":%q,"revision":"1"}`, b.Key("alice"))
	for name, body := range bodies {
		if e := b.Ask(b.Account("alice").Conn(t), api.PutHeartbeat.Subject(), body); e.Code != api.CodeBadRequest ||
			e.Error == "" {
			t.Errorf("%s: %d %s", name, e.Code, e.Error)
		}
	}
	if n := len(b.Raw(view.Presence.Stream())); n != 0 {
		t.Errorf("%d documents are kept", n)
	}
}

func TestHeartbeatsOfACatalogThatWasNeverSharedDoNotCount(t *testing.T) {
	b := shared(t, alicesFilms)
	films, music := eventstest.Catalog(t, "films"), eventstest.Catalog(t, "music")
	for who, h := range map[string]api.Heartbeat{
		"alice": {Catalog: music, Account: b.Key("alice")},
		"bob":   {Catalog: films, Account: b.Key("bob")}, // alice's is another one
	} {
		if err := beat(t, b, who, h); !errors.Is(err, api.ErrNotFound) {
			t.Errorf("%s: %v", who, err)
		}
	}
	if n := len(b.Raw(view.Presence.Stream())); n != 0 {
		t.Errorf("%d documents are kept", n)
	}
	b.Project(view.Catalogs, 1, 9,
		map[string]any{view.CatalogKey(b.Key("alice"), music): view.Catalog{Catalog: music, Owner: b.Key("alice")}})
	if err := beat(t, b, "alice", api.Heartbeat{Catalog: music, Account: b.Key("alice")}); err != nil {
		t.Errorf("the next heartbeat after the share: %v", err)
	}
}

func TestAHeartbeatThatFollowsItsShareWaitsForIt(t *testing.T) {
	b := shared(t, alicesFilms)
	music := eventstest.Catalog(t, "music")
	b.Client("alice").Observe(9) // the share's position
	kept := make(chan error, 1)
	go func() { kept <- beat(t, b, "alice", api.Heartbeat{Catalog: music, Account: b.Key("alice")}) }()
	b.Project(view.Catalogs, 1, 9,
		map[string]any{view.CatalogKey(b.Key("alice"), music): view.Catalog{Catalog: music, Owner: b.Key("alice")}})
	if err := <-kept; err != nil {
		t.Error(err)
	}
}

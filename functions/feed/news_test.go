package feed

import (
	"fmt"
	"testing"

	"natster/events"
	"natster/functions"
	"natster/internal/test/eventstest"
)

func TestWhatAChangeOfPresenceIsWorth(t *testing.T) {
	alice, bob := eventstest.Account(t), eventstest.Account(t)
	beat := func(a events.Account) string {
		return fmt.Sprintf(`{"catalog":"films","account_key":%q,"revision":7}`, a)
	}
	for _, c := range []struct {
		name       string
		change     functions.Change
		kind, body string // no kind: refused
	}{
		{"a heartbeat", functions.Change{Key: alice.String() + ".films", Op: functions.OpPut, Value: []byte(beat(alice))}, events.FeedHeartbeat, beat(alice)},
		{"expired", functions.Change{Key: alice.String() + ".films", Op: functions.OpExpired}, events.FeedOffline, fmt.Sprintf(`{"catalog":"films","account_key":%q,"revision":0}`, alice)},
		{"deleted", functions.Change{Key: alice.String() + ".films", Op: functions.OpDelete}, events.FeedOffline, fmt.Sprintf(`{"catalog":"films","account_key":%q,"revision":0}`, alice)},
		{"under another's key", functions.Change{Key: bob.String() + ".films", Op: functions.OpPut, Value: []byte(beat(alice))}, "", ""},
		{"under another catalog's key", functions.Change{Key: alice.String() + ".music", Op: functions.OpPut, Value: []byte(beat(alice))}, "", ""},
		{"no heartbeat", functions.Change{Key: alice.String() + ".films", Op: functions.OpPut, Value: []byte("hello")}, "", ""},
		{"no account", functions.Change{Key: "nobody.films", Op: functions.OpExpired}, "", ""},
		{"no catalog", functions.Change{Key: alice.String(), Op: functions.OpExpired}, "", ""},
		{"a deeper key", functions.Change{Key: alice.String() + ".films.x", Op: functions.OpExpired}, "", ""},
	} {
		got, err := announce(c.change)
		if (err != nil) != (c.kind == "") {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if err == nil && (got.kind != c.kind || string(got.body) != c.body || got.owner != alice || got.catalog.String() != "films") {
			t.Errorf("%s: %s %s", c.name, got.kind, got.body)
		}
	}
}

func TestWhatAnEventIsWorth(t *testing.T) {
	alice, bob, films := eventstest.Account(t), eventstest.Account(t), eventstest.Catalog(t, "films")
	for _, c := range []struct {
		what events.Type
		kind string
	}{
		{events.Shared, events.FeedShared}, {events.Unshared, events.FeedUnshared},
		{events.Imported, ""}, {events.Initialized, ""}, {"from_the_future", ""},
	} {
		e := events.Envelope{Event: events.Event{Type: c.what, Origin: alice, Target: bob, Catalog: films}, Position: 44}
		kind, body, ok := news(e)
		if ok != (c.kind != "") || kind != c.kind {
			t.Errorf("%s is worth %q", c.what, kind)
		}
		if want := fmt.Sprintf(`{"from_account":%q,"to_account":%q,"catalog":"films","position":44}`, alice, bob); ok && string(body) != want {
			t.Errorf("%s: %s", c.what, body)
		}
	}
}

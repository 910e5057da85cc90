package feed

import (
	"fmt"
	"testing"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/internal/test/eventstest"
)

func TestWhatAChangeOfPresenceIsWorth(t *testing.T) {
	alice, bob := eventstest.Account(t), eventstest.Account(t)
	beat := func(a events.Account) string {
		return fmt.Sprintf(`{"catalog":"films","account_key":%q,"revision":7}`, a)
	}
	films, gone := alice.String()+".films", api.Heartbeat{Catalog: eventstest.Catalog(t, "films"), Account: alice}
	on := gone
	on.Revision = 7
	for _, c := range []struct {
		name   string
		change functions.Change
		want   *api.Heartbeat // nil: refused
	}{
		{"a heartbeat", functions.Change{Key: films, Value: []byte(beat(alice))}, &on},
		{"gone", functions.Change{Key: films, Gone: true}, &gone},
		{"under another's key", functions.Change{Key: bob.String() + ".films", Value: []byte(beat(alice))}, nil},
		{"under another catalog's key", functions.Change{Key: alice.String() + ".music", Value: []byte(beat(alice))},
			nil},
		{"no heartbeat", functions.Change{Key: films, Value: []byte("hello")}, nil},
		{"no account", functions.Change{Key: "nobody.films", Gone: true}, nil},
		{"no catalog", functions.Change{Key: alice.String(), Gone: true}, nil},
		{"a deeper key", functions.Change{Key: films + ".x", Gone: true}, nil},
	} {
		got, err := heartbeat(c.change)
		if (err != nil) != (c.want == nil) || c.want != nil && got != *c.want {
			t.Errorf("%s: %+v, %v", c.name, got, err)
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
		e := events.Envelope{Event: events.Event{Type: c.what, Origin: alice, Target: bob, Catalog: films},
			Position: 44}
		kind, body, ok := news(e)
		if ok != (c.kind != "") || kind != c.kind {
			t.Errorf("%s is worth %q", c.what, kind)
		}
		if want := fmt.Sprintf(`{"from_account":%q,"to_account":%q,"catalog":"films","position":44}`, alice, bob); ok &&
			string(body) != want {
			t.Errorf("%s: %s", c.what, body)
		}
	}
}

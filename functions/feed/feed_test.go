package feed_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"natster/events"
	"natster/functions/api"
	"natster/functions/feed"
	"natster/functions/view"
	"natster/internal/test/eventstest"
	"natster/internal/test/functionstest"
	"natster/internal/test/wait"
)

func strangers(t testing.TB, n int) []events.Account {
	t.Helper()
	all := make([]events.Account, n)
	for i := range all {
		kp, err := nkeys.CreateAccount()
		if err != nil {
			t.Fatal(err)
		}
		key, err := kp.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		if all[i], err = events.ParseAccount(key); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// A listener is an account that listens to its feed, to all of it in one order.
type listener struct {
	*nats.Subscription
	nc *nats.Conn
}

func hears(t *testing.T, b *functionstest.Bench, name string) listener {
	t.Helper()
	nc := b.Account(name).Conn(t)
	sub, err := nc.SubscribeSync("natster.*.*")
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return listener{sub, nc}
}

func beat(t *testing.T, b *functionstest.Bench, h api.Heartbeat) {
	t.Helper()
	doc, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := view.Put(t.Context(), b.JS, view.Presence, view.PresenceKey(h.Account, h.Catalog), doc); err != nil {
		t.Fatal(err)
	}
}

// nothingMore fails if another message has reached the listener, after all has that the server had for it.
func nothingMore(t *testing.T, sub listener) {
	t.Helper()
	if err := sub.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if n, _, err := sub.Pending(); err != nil || n != 0 {
		m, _ := sub.NextMsg(wait.Patience)
		t.Errorf("more is heard: %s %s (%v)", m.Subject, m.Data, err)
	}
}

func TestTheFeedReachesThoseWithWhomItIsShared(t *testing.T) {
	b := functionstest.Start(t, feed.New())
	films, music := eventstest.Catalog(t, "films"), eventstest.Catalog(t, "music")
	alice, bob, carol := b.Key("alice"), b.Key("bob"), b.Key("carol")
	b.ProjectShares(1, 1,
		view.Share{From: alice, Catalog: films, To: bob},
		view.Share{From: alice, Catalog: music, To: carol},
		view.Share{From: carol, Catalog: films, To: alice})
	atAlice, atBob, atCarol := hears(t, b, "alice"), hears(t, b, "bob"), hears(t, b, "carol")

	want := api.Heartbeat{Catalog: films, Account: alice, Revision: 41}
	beat(t, b, want)
	m := b.Next(atBob.Subscription)
	var got api.Heartbeat
	if err := json.Unmarshal(m.Data, &got); err != nil || got != want ||
		m.Subject != events.FeedLocal(events.FeedHeartbeat) {
		t.Errorf("bob hears %s %s", m.Subject, m.Data)
	}
	// In order: whatever else the first heartbeat caused came before this.
	beat(t, b, api.Heartbeat{Catalog: music, Account: alice, Revision: 1})
	if m := b.Next(atCarol.Subscription); !strings.Contains(string(m.Data), "music") {
		t.Errorf("carol hears %s", m.Data)
	}
	nothingMore(t, atAlice)
	nothingMore(t, atBob)
}

func TestACatalogThatGoesOfflineIsAnnounced(t *testing.T) {
	b := functionstest.Start(t, feed.New())
	films, alice := eventstest.Catalog(t, "films"), b.Key("alice")
	b.ProjectShares(1, 1, view.Share{From: alice, Catalog: films, To: b.Key("bob")})
	atBob := hears(t, b, "bob")
	beat(t, b, api.Heartbeat{Catalog: films, Account: alice, Revision: 41})
	b.Next(atBob.Subscription)
	// What the bucket leaves behind when the key expires.
	gone := &nats.Msg{Subject: view.Presence.Subject(view.PresenceKey(alice, films)),
		Header: nats.Header{"KV-Operation": {"PURGE"}, "Nats-Rollup": {"sub"}}}
	if _, err := b.JS.PublishMsg(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	m := b.Next(atBob.Subscription)
	want := fmt.Sprintf(`{"catalog":"films","account_key":%q,"revision":0}`, alice)
	if m.Subject != events.FeedLocal(events.FeedOffline) || string(m.Data) != want {
		t.Errorf("bob hears %s %s, want %s", m.Subject, m.Data, want)
	}
}

func TestBothSidesHearOfAShare(t *testing.T) {
	b := functionstest.Start(t, feed.New())
	films, alice, bob := eventstest.Catalog(t, "films"), b.Key("alice"), b.Key("bob")
	atAlice, atBob, atCarol := hears(t, b, "alice"), hears(t, b, "bob"), hears(t, b, "carol")
	b.Happens(events.Event{Type: events.Initialized, Origin: alice})
	for _, c := range []struct {
		what events.Type
		kind string
	}{{events.Shared, events.FeedShared}, {events.Unshared, events.FeedUnshared}} {
		position := b.Happens(events.Event{Type: c.what, Origin: alice, Target: bob, Catalog: films})
		for name, sub := range map[string]listener{"alice": atAlice, "bob": atBob} {
			m := b.Next(sub.Subscription)
			var n api.ShareNews
			if err := json.Unmarshal(m.Data, &n); err != nil || m.Subject != events.FeedLocal(c.kind) ||
				n != (api.ShareNews{From: alice, To: bob, Catalog: films, Position: position}) {
				t.Errorf("%s hears %s %s", name, m.Subject, m.Data)
			}
		}
	}
	nothingMore(t, atCarol)
}

// An original website listens to natster.global-events.> and takes whatever comes for "online".
func TestAnOriginalWebsiteHearsHeartbeatsOnly(t *testing.T) {
	b := functionstest.Start(t, feed.New())
	films, alice, bob := eventstest.Catalog(t, "films"), b.Key("alice"), b.Key("bob")
	b.ProjectShares(1, 1, view.Share{From: alice, Catalog: films, To: bob})
	nc := b.Account("bob").Conn(t)
	original, err := nc.SubscribeSync("natster.global-events.>")
	if err != nil {
		t.Fatal(err)
	}
	atBob := hears(t, b, "bob")
	b.Happens(events.Event{Type: events.Initialized, Origin: alice})
	b.Happens(events.Event{Type: events.Shared, Origin: alice, Target: bob, Catalog: films})
	b.Happens(events.Event{Type: events.Unshared, Origin: alice, Target: bob, Catalog: films})
	beat(t, b, api.Heartbeat{Catalog: films, Account: alice, Revision: 1})
	heard := make(map[string]bool)
	for range 3 {
		heard[b.Next(atBob.Subscription).Subject] = true
	}
	// Not before: a heartbeat that is overtaken is not told.
	if err := view.Remove(t.Context(), b.JS, view.Presence, view.PresenceKey(alice, films)); err != nil {
		t.Fatal(err)
	}
	heard[b.Next(atBob.Subscription).Subject] = true
	for _, kind := range []string{events.FeedShared, events.FeedUnshared, events.FeedHeartbeat, events.FeedOffline} {
		if !heard[events.FeedLocal(kind)] {
			t.Errorf("bob's own client does not hear %s", kind)
		}
	}
	if m := b.Next(original); m.Subject != "natster.global-events.heartbeat" {
		t.Errorf("an original website takes %s for a heartbeat", m.Subject)
	}
	nothingMore(t, listener{original, nc})
}

func TestThreeThousandHearAHeartbeat(t *testing.T) {
	b := functionstest.Start(t, feed.New())
	films, alice := eventstest.Catalog(t, "films"), b.Key("alice")
	all := strangers(t, 3000)
	shares := make([]view.Share, len(all))
	for i, a := range all {
		shares[i] = view.Share{From: alice, Catalog: films, To: a}
	}
	shares = append(shares, view.Share{From: b.Key("bob"), Catalog: films, To: b.Key("carol")})
	b.ProjectShares(2, 3001, shares...)
	nc := b.In(b.Accounts().Feed)
	heard, err := nc.SubscribeSync(events.GlobalEventsExport)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(heard.SetPendingLimits(-1, -1), nc.Flush()); err != nil {
		t.Fatal(err)
	}
	beat(t, b, api.Heartbeat{Catalog: films, Account: alice, Revision: 1})
	times := make(map[string]int)
	for range all {
		times[b.Next(heard).Subject]++
	}
	for _, a := range all {
		if n := times[events.FeedSubject(a, events.FeedHeartbeat)]; n != 1 {
			t.Fatalf("%s heard it %d times", a.Short(), n)
		}
	}
	beat(t, b, api.Heartbeat{Catalog: films, Account: b.Key("bob"), Revision: 1})
	if m := b.Next(heard); m.Subject != events.FeedSubject(b.Key("carol"), events.FeedHeartbeat) {
		t.Errorf("%s heard it again", m.Subject)
	}
}

func TestThoseOfWhomTheShareWasTakenHearNothing(t *testing.T) {
	b := functionstest.Start(t, feed.New())
	films, alice, bob, carol := eventstest.Catalog(t, "films"), b.Key("alice"), b.Key("bob"), b.Key("carol")
	b.ProjectShares(1, 1, view.Share{From: alice, Catalog: films, To: bob},
		view.Share{From: alice, Catalog: films, To: carol})
	key := view.DocKey(1, view.ShareByKey(alice, films, bob))
	if _, err := b.JS.PublishMsg(t.Context(),
		&nats.Msg{Subject: view.Shares.Subject(key), Header: nats.Header{"KV-Operation": {"DEL"}}}); err != nil {
		t.Fatal(err)
	}
	atBob, atCarol := hears(t, b, "bob"), hears(t, b, "carol")
	beat(t, b, api.Heartbeat{Catalog: films, Account: alice, Revision: 1})
	b.Next(atCarol.Subscription)
	beat(t, b, api.Heartbeat{Catalog: films, Account: alice, Revision: 2})
	b.Next(atCarol.Subscription)
	nothingMore(t, atBob)
}

func TestWhatIsNoHeartbeatIsSetAside(t *testing.T) {
	b := functionstest.Start(t, feed.New())
	films, alice := eventstest.Catalog(t, "films"), b.Key("alice")
	b.ProjectShares(1, 1, view.Share{From: alice, Catalog: films, To: b.Key("bob")})
	atBob := hears(t, b, "bob")
	poison, err := b.Admin.SubscribeSync(events.PoisonAll)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Admin.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := view.Put(t.Context(), b.JS, view.Presence, "junk", []byte("junk")); err != nil {
		t.Fatal(err)
	}
	b.Next(poison)
	beat(t, b, api.Heartbeat{Catalog: films, Account: alice, Revision: 1})
	b.Next(atBob.Subscription)
}

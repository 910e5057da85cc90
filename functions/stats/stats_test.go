package stats_test

import (
	"errors"
	"math"
	"strconv"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/catalogs"
	"natster/functions/presence"
	"natster/functions/stats"
	"natster/functions/view"
	"natster/internal/test/eventstest"
	"natster/internal/test/functionstest"
	"natster/internal/test/logtest"
	"natster/internal/test/wait"
)

var (
	alice, bob = logtest.Account(1), logtest.Account(2)
	films      = logtest.Catalog("films")
)

func TestStats(t *testing.T) {
	b := functionstest.Start(t, stats.New())
	b.Happens(events.WithData(events.Event{Type: events.Initialized, Origin: alice},
		events.InitializedData{AccountKey: alice}))
	b.Happens(events.WithData(events.Event{Type: events.Initialized, Origin: bob},
		events.InitializedData{AccountKey: bob}))
	last := b.Happens(events.Event{Type: events.Shared, Origin: alice, Target: bob, Catalog: films})

	presence := func(a events.Account, value string) {
		t.Helper()
		if _, err := view.Put(t.Context(), b.JS, view.Presence, view.PresenceKey(a, films), []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	presence(alice, `{}`)
	presence(alice, `{}`)
	presence(bob, `{}`)
	running := func(want int64) {
		t.Helper()
		for {
			got, err := b.Client("carol").Totals(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got.Running == want {
				if got.Accounts != 2 || got.Shares != 1 {
					t.Errorf("totals are %+v", got)
				}
				return
			}
		}
	}
	if _, err := b.Views.Read(t.Context(), view.Stats, last); err != nil {
		t.Fatal(err)
	}
	running(2)

	s, err := b.JS.Stream(t.Context(), view.Presence.Stream())
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.GetLastMsgForSubject(t.Context(), view.Presence.Subject(view.PresenceKey(alice, films)))
	if err != nil {
		t.Fatal(err)
	}
	if err := view.Delete(t.Context(), b.JS, view.Presence, view.PresenceKey(alice, films), m.Sequence); err != nil {
		t.Fatal(err)
	}
	running(1)

	// Everything is delivered again, and counts once.
	if err := b.JS.DeleteConsumer(t.Context(), view.Presence.Stream(), "stats"); err != nil {
		t.Fatal(err)
	}
	b.Run(stats.New())
	presence(alice, `{}`)
	running(2)
}

func TestWhatWentOfflineIsForgotten(t *testing.T) {
	b := functionstest.Start(t, stats.New())
	running := func(want int64) {
		t.Helper()
		for {
			got, err := b.Client("carol").Totals(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got.Running == want {
				return
			}
		}
	}
	const n = 5
	for i := range n {
		key := view.PresenceKey(alice, logtest.Catalog("films"+strconv.Itoa(i)))
		revision, err := view.Put(t.Context(), b.JS, view.Presence, key, []byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		running(1)
		if err := view.Delete(t.Context(), b.JS, view.Presence, key, revision); err != nil {
			t.Fatal(err)
		}
		running(0)
	}
	if _, err := view.Put(t.Context(), b.JS, view.Presence, view.PresenceKey(bob, films), []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	running(1)
	var marks int
	for _, m := range b.Raw(view.Online.Stream()) {
		if view.Online.Key(m.Subject) == view.OnlineTotalKey {
			continue
		}
		marks++
		if m.Header.Get(jetstream.MsgTTLHeader) != view.OfflineMarkTTL.String() {
			t.Errorf("%s: %s is kept for ever", m.Subject, m.Data)
		}
	}
	if marks != n {
		t.Errorf("%d marks", marks)
	}
}

// A catalog exists once it is shared with somebody, and after that, too, when nobody has a share any more.
func TestOnlyCatalogsThatExistCountAsRunning(t *testing.T) {
	b := functionstest.Start(t, presence.New(), catalogs.New(), stats.New())
	mallory := b.Client("mallory")
	beat := func(name string) error {
		h := api.Heartbeat{Catalog: eventstest.Catalog(t, name), Account: b.Key("mallory"), Revision: 1}
		_, err := api.Call(t.Context(), mallory, api.PutHeartbeat, h)
		return err
	}
	given := events.Event{Type: events.Shared, Origin: b.Key("mallory"), Target: bob, Catalog: films}
	mallory.Observe(b.Happens(given))
	for i := range 54 {
		if err := beat("invented" + strconv.Itoa(i)); !errors.Is(err, api.ErrNotFound) {
			t.Fatalf("a heartbeat of an invented catalog: %v", err)
		}
	}
	running := func() {
		t.Helper()
		if err := beat("films"); err != nil {
			t.Fatal(err)
		}
		wait.Eventually(t, "the catalog to run", func() bool {
			got, err := mallory.Totals(t.Context())
			return err == nil && got.Running > 0
		})
		if got, err := mallory.Totals(t.Context()); err != nil || got.Running != 1 {
			t.Errorf("%+v, %v", got, err)
		}
		if kept := b.Raw(view.Presence.Stream()); len(kept) != 1 {
			t.Errorf("%d heartbeats are kept", len(kept))
		}
	}
	running()
	given.Type = events.Unshared
	mallory.Observe(b.Happens(given))
	running()
	if err := beat("invented0"); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("after the last share: %v", err)
	}
}

func TestTheAnswerSaysWhatAnAccountMayTake(t *testing.T) {
	f := stats.New()
	f.Limits = functions.Limits{Shares: 7, LogBytes: 1 << 30}
	b := functionstest.Start(t, f)
	got, err := b.Client("carol").Totals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, others := got.Limits["log_bytes"]; got.Limits["shares"] != 7 || got.Limits["codes"] == 0 || others {
		t.Errorf("limits are %v", got.Limits)
	}
}

func TestStatsBehind(t *testing.T) {
	b := functionstest.Start(t, stats.New())
	carol := b.Client("carol")
	carol.Observe(1 << 40)
	_, err := carol.Totals(t.Context())
	if !errors.Is(err, api.ErrUnavailable) {
		t.Errorf("totals of a position that is far away: %v", err)
	}
}

func TestThoseWhoWaitForAPositionThatNeverComesAreFew(t *testing.T) {
	b := functionstest.Start(t, stats.New())
	nc := b.Account("mallory").Conn(t)
	const most = 400
	answers := make(chan api.Code, most)
	for range most {
		go func() {
			answers <- b.Ask(nc, api.Stats.Subject(), nil, api.HeaderMinPosition,
				strconv.FormatUint(math.MaxUint64, 10)).Code
		}()
	}
	count := make(map[api.Code]int)
	for range most {
		count[<-answers]++
	}
	if n := count[api.CodeUnavailable]; n == 0 || n > most/4 || n+count[api.CodeTooMany] != most {
		t.Errorf("answers by code: %v", count)
	}
}

func TestACatalogThatExpiredUnheardIsNotCounted(t *testing.T) {
	b := functionstest.Bare(t)
	if err := functions.Provision(t.Context(), b.JS, 1, stats.New()); err != nil {
		t.Fatal(err)
	}
	for i, a := range []events.Account{alice, bob} { // both were counted, and only bob's catalog is still there
		if _, err := view.Put(t.Context(), b.JS, view.Online, view.OnlineMarkKey(view.PresenceKey(a, films)),
			[]byte(`{"online":true,"at":1}`)); err != nil {
			t.Fatal(err)
		}
		if _, err := view.Put(t.Context(), b.JS, view.Online, view.OnlineTotalKey,
			[]byte(`{"total":`+strconv.Itoa(i+1)+`}`)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := view.Put(t.Context(), b.JS, view.Presence, view.PresenceKey(bob, films), []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	b.Run(stats.New())
	got, err := b.Client("carol").Totals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Running != 1 {
		t.Errorf("%d catalogs are running, want 1", got.Running)
	}
}

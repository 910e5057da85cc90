package hub_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/hub"
	"natster/internal/test/eventstest"
	"natster/internal/test/functionstest"
	"natster/internal/test/wait"
)

// asked collects what the hub asks of eventwriter.
type asked struct {
	mu  sync.Mutex
	all []functionstest.Written
}

func (a *asked) add(w functionstest.Written) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, w)
	return len(a.all)
}

func (a *asked) list() []functionstest.Written {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.all
}

// settled waits until the hub has acknowledged every event so far.
func settled(t *testing.T, b *functionstest.Bench) {
	t.Helper()
	consumer, err := b.JS.Consumer(t.Context(), events.LogStream, "hub")
	if err != nil {
		t.Fatal(err)
	}
	wait.Eventually(t, "the hub has acknowledged every event", func() bool {
		info, err := consumer.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return info.NumPending == 0 && info.NumAckPending == 0
	})
}

func TestANewcomerIsGivenTheHubsCatalogOnce(t *testing.T) {
	b := functionstest.Bare(t)
	films := eventstest.Catalog(t, "natsterhub")
	account := b.Accounts().Hub
	b.Run(hub.New(hub.Config{Account: account, Catalog: films}))
	var got asked
	b.Writer(func(w functionstest.Written) error { got.add(w); return nil })
	alice, bob := b.Key("alice"), b.Key("bob")
	for _, a := range []events.Account{account, alice, bob} {
		b.Happens(events.Event{Type: events.Initialized, Origin: a})
	}
	b.Happens(events.Event{Type: events.Shared, Origin: alice, Target: bob, Catalog: eventstest.Catalog(t, "films")})
	settled(t, b)
	all := got.list()
	if len(all) != 2 {
		t.Fatalf("asked for %+v", all)
	}
	for i, newcomer := range []events.Account{alice, bob} {
		w := all[i]
		if w.Origin != account || w.Type != events.Shared || w.Target != newcomer.String() ||
			w.Catalog != "natsterhub" || w.EventType != string(events.Shared) {
			t.Errorf("%s is given %+v", newcomer, w)
		}
	}
}

func TestAHubThatIsNotConfiguredDoesNothing(t *testing.T) {
	f := hub.New(hub.Config{})
	if len(f.Access.Calls) != 0 {
		t.Errorf("it may publish %v", f.Access.Calls)
	}
	b := functionstest.Start(t, f)
	var got asked
	b.Writer(func(w functionstest.Written) error { got.add(w); return nil })
	b.Happens(events.Event{Type: events.Initialized, Origin: b.Key("alice")})
	settled(t, b)
	if all := got.list(); len(all) != 0 {
		t.Errorf("asked for %+v", all)
	}
}

func TestAnEventwriterThatIsAwayIsAskedAgain(t *testing.T) {
	b := functionstest.Bare(t)
	b.Run(hub.New(hub.Config{Account: b.Accounts().Hub, Catalog: eventstest.Catalog(t, "natsterhub")}))
	var got asked
	b.Writer(func(w functionstest.Written) error {
		if got.add(w) < 3 {
			return api.Errorf(api.ErrUnavailable, "not now")
		}
		return nil
	})
	b.Happens(events.Event{Type: events.Initialized, Origin: b.Key("alice")})
	settled(t, b)
	if n := len(got.list()); n != 3 {
		t.Errorf("asked %d times", n)
	}
	if poison := b.Raw(functions.PoisonStream); len(poison) != 0 {
		t.Errorf("set aside: %s", poison[0].Header.Get(functions.HeaderPoisonReason))
	}
}

func TestANewcomerWhoComesBeforeTheHubIsGivenItsCatalog(t *testing.T) {
	b := functionstest.Bare(t)
	account := b.Accounts().Hub
	b.Run(hub.New(hub.Config{Account: account, Catalog: eventstest.Catalog(t, "natsterhub")}))
	var got asked
	initialized := false
	b.Writer(func(w functionstest.Written) error {
		got.add(w)
		if w.Type == events.Initialized {
			initialized = w.Origin == account
		} else if !initialized {
			return api.Errorf(api.ErrBadRequest, "this account is not initialized")
		}
		return nil
	})
	for _, name := range []string{"alice", "bob"} {
		b.Happens(events.Event{Type: events.Initialized, Origin: b.Key(name)})
	}
	settled(t, b)
	var types []events.Type
	for _, w := range got.list() {
		types = append(types, w.Type)
	}
	want := []events.Type{events.Shared, events.Initialized, events.Shared, events.Shared}
	if !slices.Equal(types, want) {
		t.Errorf("asked for %v", types)
	}
	if poison := b.Raw(functions.PoisonStream); len(poison) != 0 {
		t.Errorf("set aside: %s", poison[0].Header.Get(functions.HeaderPoisonReason))
	}
}

func TestARefusalThatCannotHealIsSetAside(t *testing.T) {
	b := functionstest.Bare(t)
	b.Run(hub.New(hub.Config{Account: b.Accounts().Hub, Catalog: eventstest.Catalog(t, "natsterhub")}))
	alice, bob := b.Key("alice"), b.Key("bob")
	var got asked
	b.Writer(func(w functionstest.Written) error {
		got.add(w)
		if w.Target == alice.String() {
			return api.Errorf(api.ErrConflict, "another account already shares a catalog called natsterhub")
		}
		return nil
	})
	b.Happens(events.Event{Type: events.Initialized, Origin: alice})
	b.Happens(events.Event{Type: events.Initialized, Origin: bob})
	settled(t, b)
	if all := got.list(); len(all) != 2 || all[1].Target != bob.String() {
		t.Errorf("asked for %+v", all)
	}
	if poison := b.Raw(functions.PoisonStream); len(poison) != 1 {
		t.Errorf("%d events are set aside", len(poison))
	}
}

func TestOnlyForGoodIsForGood(t *testing.T) {
	e := events.Envelope{}
	for _, c := range []struct {
		err    error
		poison bool
	}{
		{api.ErrUnavailable, false}, {api.ErrInternal, false}, {api.ErrTooMany, false},
		{errors.New("connection closed"), false},
		{api.ErrBadRequest, true}, {api.ErrForbidden, true}, {api.ErrNotFound, true}, {api.ErrConflict, true},
	} {
		err := hub.Judge(e, c.err)
		if errors.Is(err, functions.ErrPoison) != c.poison || !errors.Is(err, c.err) {
			t.Errorf("%v is judged %v", c.err, err)
		}
	}
	if err := hub.Judge(e, nil); err != nil {
		t.Error(err)
	}
}

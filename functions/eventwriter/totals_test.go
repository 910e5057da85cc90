package eventwriter_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/eventwriter"
	"natster/functions/shares"
	"natster/functions/view"
	"natster/internal/test/eventstest"
	"natster/internal/test/functionstest"
)

func TestAnAccountSharesNoMoreThanItMay(t *testing.T) {
	writer := eventwriter.New(eventwriter.Config{})
	writer.Limits = functions.Limits{Shares: 4, Catalogs: 2}
	b := functionstest.Start(t, writer, shares.New())
	alice := b.Client("alice")
	friends := []string{"bob", "carol", "dave"}
	for _, name := range append(friends, "alice") {
		if err := b.Client(name).Initialize(t.Context(), b.Key(name), name, name); err != nil {
			t.Fatal(err)
		}
	}
	films, photos := eventstest.Catalog(t, "films"), eventstest.Catalog(t, "photos")
	books := eventstest.Catalog(t, "books")
	share := func(c events.Catalog, with string) error { return alice.Share(t.Context(), c, b.Key(with)) }
	refused := func(err error, number string) {
		t.Helper()
		if !errors.Is(err, api.ErrTooMany) || !strings.Contains(err.Error(), number) {
			t.Errorf("%v", err)
		}
	}
	works := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	works(share(films, "bob"))
	works(share(photos, "bob"))
	refused(share(books, "bob"), "2 catalogs")
	works(share(films, "carol"))
	works(share(films, "dave"))
	refused(share(photos, "carol"), "4 shares")
	works(share(films, "bob")) // as it is already
	works(b.Client("bob").Share(t.Context(), films, b.Key("alice")))

	b.Advance(2 * time.Minute) // it is counted anew, from the projection
	if _, err := b.Views.Read(t.Context(), view.Shares, alice.Position()); err != nil {
		t.Fatal(err)
	}
	refused(share(photos, "carol"), "4 shares")
	works(alice.Unshare(t.Context(), films, b.Key("dave")))
	works(share(photos, "carol"))
	refused(share(photos, "dave"), "4 shares")
	for _, with := range []string{"bob", "carol"} {
		works(alice.Unshare(t.Context(), films, b.Key(with)))
	}
	works(share(books, "bob")) // films are gone
}

// What an account has taken back by another instance is counted within a minute.
func TestWhatIsTakenBackElsewhereMakesRoom(t *testing.T) {
	writer := eventwriter.New(eventwriter.Config{})
	writer.Limits = functions.Limits{Shares: 1}
	b := functionstest.Start(t, writer, shares.New())
	alice := b.Client("alice")
	for _, name := range []string{"alice", "bob", "carol"} {
		if err := b.Client(name).Initialize(t.Context(), b.Key(name), name, name); err != nil {
			t.Fatal(err)
		}
	}
	films := eventstest.Catalog(t, "films")
	if err := alice.Share(t.Context(), films, b.Key("bob")); err != nil {
		t.Fatal(err)
	}
	position := b.Happens(events.Event{
		Type: events.Unshared, Origin: b.Key("alice"), Target: b.Key("bob"), Catalog: films,
	})
	if _, err := b.Views.Read(t.Context(), view.Shares, position); err != nil {
		t.Fatal(err)
	}
	if err := alice.Share(t.Context(), films, b.Key("carol")); !errors.Is(err, api.ErrTooMany) {
		t.Errorf("it was counted a moment ago: %v", err)
	}
	b.Advance(2 * time.Minute)
	if err := alice.Share(t.Context(), films, b.Key("carol")); err != nil {
		t.Error(err)
	}
}

// The hub shares with everybody, and alone by its name.
func TestTheHubSharesByItsNameWithoutLimit(t *testing.T) {
	hub := eventstest.Catalog(t, "natsterhub")
	cfg := eventwriter.Config{Reserved: events.Reservation{Catalog: hub}}
	bare := functionstest.Bare(t)
	cfg.Reserved.For = bare.Accounts().Hub
	writer := eventwriter.New(cfg)
	writer.Limits = functions.Limits{Shares: 1}
	bare.Run(writer, shares.New())
	as := func(name string) *api.Client { return bare.Client(name) }
	for _, name := range []string{"alice", "bob", "carol"} {
		if err := as(name).Initialize(t.Context(), bare.Key(name), name, name); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"natsterhub", "NatsterHub"} {
		err := as("alice").Share(t.Context(), eventstest.Catalog(t, name), bare.Key("bob"))
		if !errors.Is(err, api.ErrConflict) {
			t.Errorf("alice shares %s: %v", name, err)
		}
	}
	of := api.NewClient(bare.In(cfg.Reserved.For))
	if err := of.Initialize(t.Context(), cfg.Reserved.For, "", "hub"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"alice", "bob", "carol"} {
		if err := of.Share(t.Context(), hub, bare.Key(name)); err != nil {
			t.Errorf("the hub shares with %s: %v", name, err)
		}
	}
}

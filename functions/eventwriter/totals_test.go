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

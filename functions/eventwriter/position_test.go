package eventwriter_test

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/functions/eventwriter"
	"natster/internal/test/eventstest"
	"natster/internal/test/functionstest"
)

func TestAnAccountLearnsHowFarItsOwnEventsAre(t *testing.T) {
	b := functionstest.Start(t, eventwriter.New(eventwriter.Config{}))
	films, alice, bob := eventstest.Catalog(t, "films"), b.Client("alice"), b.Client("bob")
	position := func(c *api.Client, want uint64) {
		t.Helper()
		if got, err := c.LastPosition(t.Context()); err != nil || got != want {
			t.Errorf("%d, %v; want %d", got, err, want)
		}
	}
	position(alice, 0)
	for name, c := range map[string]*api.Client{"alice": alice, "bob": bob} {
		if err := c.Initialize(t.Context(), b.Key(name), name, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := alice.Share(t.Context(), films, b.Key("bob")); err != nil {
		t.Fatal(err)
	}
	shared := alice.Position()
	if err := bob.Imported(t.Context(), films, b.Key("alice")); err != nil {
		t.Fatal(err)
	}
	position(bob, shared+1)
	another := api.NewClient(b.Account("alice").Conn(t)) // which has seen nothing
	position(another, shared)                            // bob's event is not hers
	if another.Position() != shared {
		t.Errorf("its queries will reflect %d", another.Position())
	}
	taken := b.Happens(events.Event{Type: events.Unshared, Origin: b.Key("alice"), Target: b.Key("bob"),
		Catalog: films})
	position(alice, taken)

	b.Halt("eventwriter")
	if _, err := alice.LastPosition(t.Context()); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("nobody answers, and the error is %v", err)
	}
}

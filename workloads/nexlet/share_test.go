package nexlet_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/eventwriter"
	"natster/internal/test/logtest"
	"natster/internal/test/nexlettest"
	"natster/internal/test/nextest"
	"natster/internal/test/wait"
	"natster/workloads/nexlet/wire"
)

// A witness notes which events a function was given, over all its instances.
type witness struct {
	functions.NoClose
	mu   sync.Mutex
	seen []uint64
	came chan uint64
}

func (w *witness) hear(_ context.Context, e events.Envelope) error {
	w.mu.Lock()
	w.seen = append(w.seen, e.Position)
	w.mu.Unlock()
	w.came <- e.Position
	return nil
}

func (w *witness) wait(t *testing.T, position uint64) {
	t.Helper()
	wait.First(t, fmt.Sprintf("event %d", position), w.came, func(p uint64) bool { return p >= position })
}

// TestTheSameFunctionTwiceIsOneActiveAndOneStandingBy deploys a function with an event trigger twice, on two nodes, and
// kills one node: every event is handled once and in order, and the other takes over.
func TestTheSameFunctionTwiceIsOneActiveAndOneStandingBy(t *testing.T) {
	w := &witness{came: make(chan uint64, 10_000)}
	s := nexlettest.Start(t, func() []functions.Function {
		return []functions.Function{
			eventwriter.New(eventwriter.Config{}),
			{
				Name: "witness", Doc: "notes every event",
				Triggers: []functions.Trigger{functions.OnEvent((*witness).hear)},
				Access:   functions.Access{ReadsLog: true},
				New:      func(context.Context, functions.Host) (functions.Instance, error) { return w, nil },
			},
		}
	})
	one, two := s.Node(nextest.Config{Name: "one"}), s.Node(nextest.Config{Name: "two"})
	c := s.Client("shares")
	for _, d := range []wire.StartWorkloadResponse{
		deployOn(t, c, "eventwriter", wire.Tags{wire.TagNode: "one"}),
		deployOn(t, c, "eventwriter", wire.Tags{wire.TagNode: "two"}),
		deployOn(t, c, "witness", wire.Tags{wire.TagNode: "one"}),
		deployOn(t, c, "witness", wire.Tags{wire.TagNode: "one"}), // twice on one of the nodes, too
		deployOn(t, c, "witness", wire.Tags{wire.TagNode: "two"}),
	} {
		s.Running(c, d.ID, wire.Running)
	}
	alice := api.NewClient(s.Account("alice").Conn(t))
	put := func(n int) {
		t.Helper()
		for i := range n {
			ctx, cancel := context.WithTimeout(t.Context(), wait.Patience)
			films := logtest.Catalog(fmt.Sprint("films", int(alice.Position())+i))
			if err := alice.Share(ctx, films, logtest.Account(0)); err != nil {
				t.Error(err)
			}
			cancel()
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), wait.Patience)
	defer cancel()
	for alice.Initialize(ctx, s.Account("alice").Key, "", "alice") != nil && ctx.Err() == nil {
		// until eventwriter is there
	}
	s.Introduce(1)
	put(20)
	w.wait(t, alice.Position())
	one.Stop()
	<-one.Child(0).Done() // drained: nothing is in hand
	put(20)
	w.wait(t, alice.Position())
	two.Stop()
	<-two.Child(0).Done()

	w.mu.Lock()
	defer w.mu.Unlock()
	for i, p := range w.seen {
		if p != uint64(i+1) {
			t.Fatalf("events came as %v", w.seen)
		}
	}
}

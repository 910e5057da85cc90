package functions_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
	"natster/internal/jet"
	"natster/internal/test/functionstest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
)

type word struct {
	Word string `json:"word"`
}

var probe = api.Endpoint[word, word]{Name: "probe"}

// serving is a function that answers probe with h.
func serving(h func(context.Context, *functions.Call, word) (word, error)) functions.Function {
	return functions.Function{
		Name:     "prober",
		Doc:      "answers the probes of a test",
		Triggers: []functions.Trigger{functions.Request(probe, functionstest.Handler(h))},
	}
}

func start(t *testing.T, fns ...functions.Function) *worldtest.World {
	t.Helper()
	return worldtest.Start(t, worldtest.Running(fns...))
}

// running runs a function of a world that was started without it, on as many instances as asked for, and returns how to
// stop instance i.
func running(t *testing.T, w *worldtest.World, cfg functions.Config, f func() functions.Function,
	instances int) (stop []func() error) {
	t.Helper()
	for range instances {
		cfg := cfg
		cfg.Conn, cfg.Logger = w.InFunction(f().Name), slog.New(slog.DiscardHandler)
		r, err := functions.NewRunner(f(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		select {
		case <-r.Ready():
		case err := <-ended:
			t.Fatal(err)
		}
		end := sync.OnceValue(func() error { cancel(); return <-ended })
		t.Cleanup(func() { _ = end() })
		stop = append(stop, end)
	}
	return stop
}

// bare is a world without functions, provisioned for f.
func bare(t *testing.T, f functions.Function) (*worldtest.World, jetstream.JetStream) {
	t.Helper()
	w := worldtest.Start(t, worldtest.Bare)
	nc, err := w.Admin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if err := functions.Provision(t.Context(), js, 1, f); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Keeper().Functions(t.Context(), []functions.Function{f}); err != nil {
		t.Fatal(err)
	}
	return w, js
}

func put(t *testing.T, js jetstream.JetStream, n int) {
	t.Helper()
	host, err := functions.Open(js.Conn(), jet.Own)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		catalog, err := events.ParseCatalog("c" + nuid.Next())
		if err != nil {
			t.Fatal(err)
		}
		e := events.Event{ID: nuid.Next(), Time: time.Now(), Type: events.Claimed, Catalog: catalog}
		if _, err := host.Log.Append(t.Context(), events.Append{Event: e}); err != nil {
			t.Fatal(err)
		}
	}
}

func hearing(h func(context.Context, events.Envelope) error, types ...events.Type) func() functions.Function {
	return func() functions.Function {
		hear := func(_ functions.Instance, ctx context.Context, e events.Envelope) error { return h(ctx, e) }
		return functions.Function{Name: "listener", Doc: "hears events",
			Triggers: []functions.Trigger{functions.OnEvent(hear, types...)}}
	}
}

// fast retries at once, for tests.
func fast(int) time.Duration { return time.Millisecond }

func TestEventsComeInOrderOneAtATimeWhateverFails(t *testing.T) {
	const n = 60
	var mu sync.Mutex
	var folded []uint64
	failed := make(map[uint64]bool)
	var active atomic.Int64
	done := make(chan struct{})
	f := hearing(func(_ context.Context, e events.Envelope) error {
		if active.Add(1) != 1 {
			t.Errorf("two handlers at once at position %d", e.Position)
		}
		defer active.Add(-1)
		mu.Lock()
		defer mu.Unlock()
		if e.Position%7 == 0 && !failed[e.Position] {
			failed[e.Position] = true
			if e.Position%2 == 0 {
				panic("once")
			}
			return errors.New("once")
		}
		folded = append(folded, e.Position)
		if len(folded) == n {
			close(done)
		}
		return nil
	})
	w, js := bare(t, f())
	running(t, w, functions.Config{Backoff: fast}, f, 3)
	put(t, js, n)
	<-done
	for i, p := range folded {
		if p != uint64(i+1) {
			t.Fatalf("not in order: %v", folded)
		}
	}
}

func TestAnotherInstanceTakesOverWhereOneStopped(t *testing.T) {
	const n = 40
	var mu sync.Mutex
	seen := make(map[uint64]int)
	done := make(chan struct{})
	half := make(chan struct{})
	f := hearing(func(_ context.Context, e events.Envelope) error {
		mu.Lock()
		defer mu.Unlock()
		seen[e.Position]++
		if len(seen) == n/2 && seen[e.Position] == 1 {
			close(half)
		}
		if len(seen) == n && seen[e.Position] == 1 {
			close(done)
		}
		return nil
	})
	w, js := bare(t, f())
	put(t, js, n)
	stop := running(t, w, functions.Config{Backoff: fast}, f, 2)
	<-half
	if err := stop[0](); err != nil {
		t.Error(err)
	}
	<-done
}

func TestAFastForwardedFunctionHearsOnlyWhatIsNew(t *testing.T) {
	const old, fresh = 20, 5
	heard := make(chan uint64, old+fresh)
	block := make(chan struct{})
	f := hearing(func(_ context.Context, e events.Envelope) error {
		heard <- e.Position
		if e.Position == 1 {
			<-block
		}
		return nil
	})
	w, js := bare(t, f())
	put(t, js, old)
	running(t, w, functions.Config{Backoff: fast}, f, 1)
	if first := <-heard; first != 1 {
		t.Fatalf("first heard %d", first)
	}
	if err := functions.FastForward(t.Context(), js, f().Name, old); err != nil {
		t.Fatal(err)
	}
	close(block)
	put(t, js, fresh)
	for i := range uint64(fresh) {
		if got := <-heard; got != old+1+i {
			t.Errorf("heard %d, want %d", got, old+1+i)
		}
	}
	if err := functions.Provision(t.Context(), js, 1, f()); err != nil {
		t.Errorf("provision afterwards: %v", err)
	}
}

func TestAFunctionGoesOnWhenItsConsumerIsMadeAnew(t *testing.T) {
	heard := make(chan uint64, 10)
	f := hearing(func(_ context.Context, e events.Envelope) error { heard <- e.Position; return nil })
	w, js := bare(t, f())
	running(t, w, functions.Config{Backoff: fast}, f, 1)
	put(t, js, 1)
	<-heard
	if err := js.DeleteConsumer(t.Context(), events.LogStream, f().Name); err != nil {
		t.Fatal(err)
	}
	// The server may still be deleting the files of the old one.
	wait.Eventually(t, "the consumer is made anew", func() bool {
		return functions.Provision(t.Context(), js, 1, f()) == nil
	})
	for want := range uint64(2) { // from the start: where it was went with the old consumer
		if got := wait.Receive(t, "an event is heard", heard); got != want+1 {
			t.Errorf("heard %d", got)
		}
		put(t, js, 1)
	}
}

func TestPoisonIsSetAsideAndReportedAndTheNextEventComes(t *testing.T) {
	reached := make(chan struct{})
	var calls atomic.Int64
	f := hearing(func(_ context.Context, e events.Envelope) error {
		calls.Add(1)
		switch e.Position {
		case 2:
			return fmt.Errorf("makes no sense: %w", functions.ErrPoison)
		case 3:
			panic("every time")
		case 4:
			return errors.New("every time")
		}
		close(reached)
		return nil
	})
	w, js := bare(t, f())
	if _, err := js.Publish(t.Context(), "natster.events.no.event.at.all", []byte("{")); err != nil {
		t.Fatal(err)
	}
	put(t, js, 4)
	running(t, w, functions.Config{Backoff: fast, Attempts: 3}, f, 1)
	<-reached
	poison, err := js.Stream(t.Context(), functions.PoisonStream)
	if err != nil {
		t.Fatal(err)
	}
	for i, why := range []string{"not a natster event", "makes no sense", "every time", "every time"} {
		m, err := poison.GetMsg(t.Context(), uint64(i+1))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Header.Get(functions.HeaderPoisonReason); !strings.Contains(got, why) ||
			m.Header.Get(functions.HeaderPoisonSequence) != fmt.Sprint(i+1) {
			t.Errorf("set aside with %v", m.Header)
		}
	}
	if got := calls.Load(); got != 1+3+3+1 {
		t.Errorf("%d calls", got)
	}
}

func TestAnEventWaitsForWhatIsNotAvailable(t *testing.T) {
	const outage = 30
	handled := make(chan struct{})
	var calls atomic.Int64
	f := hearing(func(context.Context, events.Envelope) error {
		if calls.Add(1) < outage {
			return fmt.Errorf("eventwriter: %w", api.Errorf(api.ErrUnavailable, "nobody answers"))
		}
		close(handled)
		return nil
	})
	w, js := bare(t, f())
	put(t, js, 1)
	running(t, w, functions.Config{Backoff: fast, Attempts: 3}, f, 1)
	select {
	case <-handled:
	case <-time.After(20 * time.Second):
		t.Errorf("it was given up after %d calls", calls.Load())
	}
}

func TestEachChangeOfAKeyIsHeard(t *testing.T) {
	bucket := view.Bucket{Name: "shelf", Doc: "of a test", TTL: time.Second, Markers: true}
	changes := make(chan functions.Change, 10)
	f := func() functions.Function {
		return functions.Function{Name: "keeper", Doc: "hears keys", Triggers: []functions.Trigger{
			functions.OnKey(bucket,
				func(_ functions.Instance, _ context.Context, c functions.Change) error { changes <- c; return nil }),
		}}
	}
	w, js := bare(t, f())
	kv, err := js.KeyValue(t.Context(), bucket.Name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.PutString(t.Context(), "early.bird", "put while the function is down"); err != nil {
		t.Fatal(err)
	}
	running(t, w, functions.Config{}, f, 1)
	want := func(key string, gone bool, value string) {
		t.Helper()
		if c := <-changes; c.Key != key || c.Gone != gone || string(c.Value) != value {
			t.Errorf("heard %s %q, gone %v; want %s %q, gone %v", c.Key, c.Value, c.Gone, key, value, gone)
		}
	}
	want("early.bird", false, "put while the function is down")
	if err := kv.Delete(t.Context(), "early.bird"); err != nil {
		t.Fatal(err)
	}
	want("early.bird", true, "")
	if _, err := kv.PutString(t.Context(), "worm", "1"); err != nil {
		t.Fatal(err)
	}
	want("worm", false, "1")
	want("early.bird", true, "") // what is deleted expires, too
	want("worm", true, "")
}

func TestFunctionsAreVisibleToDiscovery(t *testing.T) {
	w := start(t,
		serving(func(_ context.Context, _ *functions.Call, q word) (word, error) { return q, nil }),
		hearing(func(context.Context, events.Envelope) error { return nil })())
	if _, err := api.Call(t.Context(), api.NewClient(w.Account("alice").Conn(t)), probe, word{"x"}); err != nil {
		t.Fatal(err)
	}
	nc, err := w.Admin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for _, test := range []struct{ subject, want string }{
		{"$SRV.INFO.prober", `"trigger.subject":"probe"`},
		{"$SRV.INFO.listener", `"trigger.event":"log"`},
		{"$SRV.STATS.prober", `"requests":1`},
	} {
		m, err := nc.RequestWithContext(t.Context(), test.subject, nil)
		if err != nil || !strings.Contains(string(m.Data), test.want) {
			t.Errorf("%s: %s, %v", test.subject, m.Data, err)
		}
	}
}

func TestADeclarationThatCannotBeIsRefusedBeforeAnythingRuns(t *testing.T) {
	ok := hearing(func(context.Context, events.Envelope) error { return nil })()
	for name, spoil := range map[string]func(*functions.Function){
		"no name":                 func(f *functions.Function) { f.Name = "" },
		"a name with a dot":       func(f *functions.Function) { f.Name = "a.b" },
		"no sentence":             func(f *functions.Function) { f.Doc = "" },
		"no trigger":              func(f *functions.Function) { f.Triggers = nil },
		"two triggers on the log": func(f *functions.Function) { f.Triggers = append(f.Triggers, f.Triggers[0]) },
	} {
		f := ok
		spoil(&f)
		if _, err := functions.NewRunner(f, functions.Config{}); !errors.Is(err, functions.ErrDeclaration) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

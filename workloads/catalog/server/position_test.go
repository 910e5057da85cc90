package server_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"natster/deploy/world"
	"natster/events"
	"natster/functions/api"
	"natster/internal/test/catalogtest"
	"natster/internal/test/functionstest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
	"natster/workloads/catalog/client"
	"natster/workloads/catalog/server"
)

// A lookout is the functions as alice's server asks them. It says of each look that it begins, if somebody wants to
// know.
type lookout struct {
	*api.Client
	began chan bool
}

func (l *lookout) Shares(ctx context.Context) ([]api.Share, error) {
	select {
	case l.began <- true:
	default:
	}
	return l.Client.Shares(ctx)
}

// friends is alice, who serves films and shares them with bob and carol.
type friends struct {
	alice, bob, carol *worldtest.Account
	functions         *api.Client
	looks             *lookout
}

func newFriends(t *testing.T, w *worldtest.World) *friends {
	t.Helper()
	f := &friends{alice: w.Account("alice"), bob: w.Account("bob"), carol: w.Account("carol")}
	for _, a := range []*worldtest.Account{f.alice, f.bob, f.carol} {
		if err := api.NewClient(a.Conn(t)).Initialize(t.Context(), a.Key, a.Name, a.Name); err != nil {
			t.Fatal(err)
		}
	}
	f.functions = api.NewClient(f.alice.Conn(t))
	for _, a := range []*worldtest.Account{f.bob, f.carol} {
		w.Import(a, films, f.alice)
		if err := f.functions.Share(t.Context(), films, a.Key); err != nil {
			t.Fatal(err)
		}
	}
	library := catalogtest.NewLibrary(films)
	library.Add("a.mp4", catalogtest.Content(10, 1))
	nc := f.alice.Connect(t)
	t.Cleanup(nc.Close)
	f.looks = &lookout{Client: api.NewClient(nc), began: make(chan bool)}
	catalogtest.Serve(t, server.Config{
		Conn: nc, Account: f.alice.Key, Catalogs: []server.Library{library}, Shares: f.looks,
		Limits: server.Limits{SharesRefresh: 10 * time.Millisecond, SharesMaxAge: 2 * time.Second},
	})
	for _, a := range []*worldtest.Account{f.bob, f.carol} {
		wait.Eventually(t, a.Name+" is served", func() bool { return f.list(t, a) == nil })
	}
	return f
}

func (f *friends) list(t *testing.T, a *worldtest.Account) error {
	_, err := client.New(client.Config{Conn: a.Conn(t), Account: a.Key}).List(t.Context(), films)
	return err
}

// standStill stops the projection of the shares, and the feed, until they are told to go on.
func standStill(t *testing.T, w *worldtest.World) (goOn func()) {
	t.Helper()
	nc, err := w.Admin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	consumers := []string{"shares", "feed"}
	for _, name := range consumers {
		if _, err := js.PauseConsumer(t.Context(), events.LogStream, name, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		for _, name := range consumers {
			if _, err := js.ResumeConsumer(t.Context(), events.LogStream, name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// The share is taken back by a program that tells no server of it, as an original one, and no function but eventwriter
// knows of it.
func TestAViewOfTheSharesThatLagsIsNotBelieved(t *testing.T) {
	w := worldtest.Start(t)
	f := newFriends(t, w)
	goOn := standStill(t, w)
	if err := f.functions.Unshare(t.Context(), films, f.bob.Key); err != nil {
		t.Fatal(err)
	}
	// The view still has the share: nobody is served by it for longer than SharesMaxAge.
	wait.Eventually(t, "bob is refused", func() bool { return errors.Is(f.list(t, f.bob), api.ErrUnavailable) })
	goOn()
	wait.Eventually(t, "carol is served again", func() bool { return f.list(t, f.carol) == nil })
	if err := f.list(t, f.bob); !errors.Is(err, client.ErrNotShared) {
		t.Errorf("when the view has seen that the share was taken back: %v", err)
	}
}

// As natster unshare does it: the servers are told before and after the put.
func TestWhoLosesAShareIsRefusedWhileTheProjectionStandsStill(t *testing.T) {
	w := worldtest.Start(t)
	f := newFriends(t, w)
	own := client.New(client.Config{Conn: f.alice.Conn(t), Account: f.alice.Key})
	standStill(t, w)
	refused := func(when string) {
		t.Helper()
		if err := f.list(t, f.bob); !errors.Is(err, client.ErrNotShared) {
			t.Fatalf("%s: %v", when, err)
		}
	}
	if err := own.TellUnshare(t.Context(), films, f.bob.Key, 0); err != nil {
		t.Fatal(err)
	}
	refused("at once")
	if err := f.functions.Unshare(t.Context(), films, f.bob.Key); err != nil {
		t.Fatal(err)
	}
	if err := own.TellUnshare(t.Context(), films, f.bob.Key, f.functions.Position()); err != nil {
		t.Fatal(err)
	}
	refused("when the log has it")
	for range 2 {
		wait.Receive(t, "a look at the shares begins", f.looks.began)
	}
	if err := f.list(t, f.bob); err == nil {
		t.Fatal("bob is served after the server has looked at a view that does not know it yet")
	}
}

func TestWithoutEventwriterTheOwnersWordHolds(t *testing.T) {
	b := functionstest.Bare(t)
	b.Run(world.Functions(world.Settings{Accounts: b.Accounts(), HubCatalog: b.HubCatalog(), Keys: b.Config().Dir,
		World: b.Config().Dir})...)
	f := newFriends(t, b.World)
	b.Halt("eventwriter")
	own := client.New(client.Config{Conn: f.alice.Conn(t), Account: f.alice.Key})
	if err := own.TellUnshare(t.Context(), films, f.bob.Key, 0); err != nil {
		t.Fatal(err)
	}
	if err := f.functions.Unshare(t.Context(), films, f.bob.Key); !errors.Is(err, api.ErrUnavailable) {
		t.Fatalf("a put without eventwriter: %v", err)
	}
	for range 3 {
		if err := f.list(t, f.bob); err == nil {
			t.Fatal("bob is served, of whom alice has said that she shares nothing with him")
		}
		wait.Receive(t, "a look at the shares begins", f.looks.began)
	}
	wait.Eventually(t, "carol is served, of whom nothing was said", func() bool { return f.list(t, f.carol) == nil })
}

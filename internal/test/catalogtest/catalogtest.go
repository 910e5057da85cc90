package catalogtest

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
	"natster/workloads/catalog/server"
)

// Films is the catalog that alice serves.
var Films = func() events.Catalog {
	c, err := events.ParseCatalog("films")
	if err != nil {
		panic(err)
	}
	return c
}()

// A World is a world with alice, who has films and shares them with bob, who has imported them. Nothing is served yet.
type World struct {
	*worldtest.World
	Alice, Bob *worldtest.Account
	Library    *Library
	Shares     *Shares
}

// Start starts a world.
func Start(t testing.TB) *World {
	t.Helper()
	w := &World{World: worldtest.Start(t, worldtest.Bare), Library: NewLibrary(Films)}
	w.Alice, w.Bob = w.Account("alice"), w.Account("bob")
	w.Import(w.Bob, Films, w.Alice)
	w.Shares = &Shares{}
	w.Shares.Set(api.Share{From: w.Alice.Key, To: w.Bob.Key, Catalog: Films})
	return w
}

// Serve serves the library on a connection of its own until stop is called or the test ends. Stop returns the error of
// [server.Serve].
func (w *World) Serve(t testing.TB, change ...func(*server.Config)) (s *server.Server, stop func() error) {
	t.Helper()
	nc := w.Alice.Connect(t)
	c := server.Config{Conn: nc, Account: w.Alice.Key, Catalogs: []server.Library{w.Library}, Shares: w.Shares}
	for _, f := range change {
		f(&c)
	}
	s, end := Serve(t, c)
	return s, func() error {
		defer nc.Close()
		return end()
	}
}

// Serve serves as c says until stop is called or the test ends. Stop returns the error of [server.Serve].
func Serve(t testing.TB, c server.Config) (s *server.Server, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan *server.Server, 1), make(chan error, 1)
	go func() { ended <- server.Serve(ctx, c, func(s *server.Server) { ready <- s }) }()
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(wait.Patience):
			t.Error("the server does not stop")
			return nil
		}
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	select {
	case s = <-ready:
	case err := <-ended:
		t.Fatalf("the server ended with %v", err)
	case <-time.After(wait.Patience):
		t.Fatal("the server does not become ready")
	}
	return s, stop
}

// Tell publishes the feed's news for alice of a share with bob.
func (w *World) Tell(t testing.TB, kind string, position uint64) {
	t.Helper()
	w.TellAbout(t, kind, w.Bob.Key, position)
}

// TellAbout is Tell about a share with another account.
func (w *World) TellAbout(t testing.TB, kind string, to events.Account, position uint64) {
	t.Helper()
	nc := w.In(w.Accounts().Feed)
	body, err := json.Marshal(api.ShareNews{From: w.Alice.Key, To: to, Catalog: Films, Position: position})
	if err == nil {
		err = nc.Publish(events.FeedSubject(w.Alice.Key, kind), body)
	}
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Ask sends a request and decodes the envelope of the answer, which must come.
func Ask(t testing.TB, nc *nats.Conn, subject string, body any) api.Envelope {
	t.Helper()
	raw, ok := body.([]byte)
	if !ok && body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	m, err := nc.Request(subject, raw, wait.Patience)
	if err != nil {
		t.Fatalf("%s: %v", subject, err)
	}
	var e api.Envelope
	if err := json.Unmarshal(m.Data, &e); err != nil {
		t.Fatalf("%s: %v in %q", subject, err, m.Data)
	}
	return e
}

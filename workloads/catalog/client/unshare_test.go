package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"natster/events"
	"natster/functions/api"
	"natster/internal/test/catalogtest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
	"natster/workloads/catalog/server"
)

// What the owner says to its own server holds before the event log knows of it, whatever the functions say meanwhile;
// what others say does not.
func TestAnUnshareDoesNotWaitForTheEventLog(t *testing.T) {
	w := worldtest.Start(t)
	alice, bob, carol := w.Account("alice"), w.Account("bob"), w.Account("carol")
	w.Import(bob, films, alice)
	w.Import(carol, films, alice)
	functions := api.NewClient(alice.Conn(t))
	for _, a := range []*worldtest.Account{alice, bob, carol} {
		if err := api.NewClient(a.Conn(t)).Initialize(t.Context(), a.Key, a.Name, a.Name); err != nil {
			t.Fatal(err)
		}
	}
	lib := catalogtest.NewLibrary(films)
	lib.Add("a.mp4", catalogtest.Content(10*chunk, 1))
	looks := &countedShares{Client: api.NewClient(alice.Conn(t)), looked: make(chan bool)}
	s, _ := catalogtest.Serve(t, server.Config{
		Conn: alice.Connect(t), Account: alice.Key, Catalogs: []server.Library{lib}, Shares: looks,
		Limits: server.Limits{SharesRefresh: 10 * time.Millisecond},
	})
	own := client.New(client.Config{Conn: alice.Conn(t), Account: alice.Key})
	friend := client.New(client.Config{Conn: bob.Conn(t), Account: bob.Key, ChunkSize: chunk})
	other := client.New(client.Config{Conn: carol.Conn(t), Account: carol.Key})
	list := func(c *client.Client) error {
		_, err := c.List(t.Context(), films)
		return err
	}
	served := func(c *client.Client) func() bool { return func() bool { return list(c) == nil } }
	for _, a := range []*worldtest.Account{bob, carol} {
		if err := functions.Share(t.Context(), films, a.Key); err != nil {
			t.Fatal(err)
		}
	}
	wait.Eventually(t, "bob is served", served(friend))
	wait.Eventually(t, "carol is served", served(other))
	r, err := friend.Open(t.Context(), films, lib.Contents().Entries[0])
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()

	forged, err := json.Marshal(catalog.UnshareRequest{Catalog: films, Target: bob.Key})
	if err != nil {
		t.Fatal(err)
	}
	nc := carol.Conn(t)
	for _, subject := range []string{events.LocalUnshare, alice.Key.String() + "." + events.LocalUnshare} {
		if err := nc.Publish(subject, forged); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := list(friend); err != nil {
		t.Fatalf("after another account said that it is not shared: %v", err)
	}

	if err := own.TellUnshare(t.Context(), films, bob.Key, 0); err != nil { // and the log is not told yet
		t.Fatal(err)
	}
	if n := s.Usage().Sessions; n != 0 {
		t.Errorf("%d sessions are open", n)
	}
	for range 3 {
		if err := list(friend); !errors.Is(err, client.ErrNotShared) {
			t.Fatalf("while the functions say that it is shared: %v", err)
		}
		wait.Receive(t, "a look at the shares begins", looks.looked)
	}
	if err := list(other); err != nil {
		t.Fatalf("carol, of whom nothing was said: %v", err)
	}

	if err := functions.Unshare(t.Context(), films, bob.Key); err != nil {
		t.Fatal(err)
	}
	if err := own.TellUnshare(t.Context(), films, bob.Key, functions.Position()); err != nil {
		t.Fatal(err)
	}
	if err := list(friend); !errors.Is(err, client.ErrNotShared) {
		t.Fatal(err)
	}
	if err := functions.Share(t.Context(), films, bob.Key); err != nil {
		t.Fatal(err)
	}
	wait.Eventually(t, "bob is served again", served(friend))
}

// countedShares says of each look that it begins, if somebody wants to know.
type countedShares struct {
	*api.Client
	looked chan bool
}

func (c *countedShares) Shares(ctx context.Context) ([]api.Share, error) {
	select {
	case c.looked <- true:
	default:
	}
	return c.Client.Shares(ctx)
}

package client_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"natster/functions/api"
	"natster/internal/test/catalogtest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
	"natster/workloads/catalog/client"
	"natster/workloads/catalog/server"
)

// The whole way, with the functions that a world has: share, download, unshare in the middle of another download.
func TestAShareIsServedUntilItIsTakenBack(t *testing.T) {
	w := worldtest.Start(t)
	alice, bob := w.Account("alice"), w.Account("bob")
	w.Import(bob, films, alice)
	functions := api.NewClient(alice.Conn(t))
	for _, a := range []*worldtest.Account{alice, bob} {
		if err := api.NewClient(a.Conn(t)).Initialize(t.Context(), a.Key, a.Name, a.Name); err != nil {
			t.Fatal(err)
		}
	}
	lib := catalogtest.NewLibrary(films)
	content := catalogtest.Content(1000*chunk, 1)
	e := lib.Add("a.mp4", content)
	catalogtest.Serve(t, server.Config{
		Conn: alice.Connect(t), Account: alice.Key, Catalogs: []server.Library{lib}, Shares: functions,
	})
	c := client.New(client.Config{Conn: bob.Conn(t), Account: bob.Key, ChunkSize: chunk})
	if _, err := c.List(t.Context(), films); !errors.Is(err, client.ErrNotShared) {
		t.Fatal(err)
	}
	if err := functions.Share(t.Context(), films, bob.Key); err != nil {
		t.Fatal(err)
	}
	wait.Eventually(t, "bob is served", func() bool {
		_, err := c.List(t.Context(), films)
		return err == nil
	})
	dir := t.TempDir()
	if _, err := download(t, c, dir, e); err != nil {
		t.Fatal(err)
	}
	expectFile(t, dir, "a.mp4", content)

	var once sync.Once
	var unshared time.Time
	half, goOn := make(chan struct{}), make(chan struct{})
	lib.OnRead(e.Hash, func(off int64) error {
		if off >= 500*chunk {
			once.Do(func() { close(half) })
			<-goOn
		}
		return nil
	})
	ended := make(chan error, 1)
	go func() {
		_, err := download(t, c, t.TempDir(), e)
		ended <- err
	}()
	<-half
	if err := functions.Unshare(t.Context(), films, bob.Key); err != nil {
		t.Fatal(err)
	}
	unshared = time.Now()
	if err := <-ended; !errors.Is(err, client.ErrNotShared) {
		t.Fatal(err)
	}
	t.Logf("ended %v after the share was taken back", time.Since(unshared))
	close(goOn)
	if _, err := c.List(t.Context(), films); !errors.Is(err, client.ErrNotShared) {
		t.Fatal(err)
	}
}

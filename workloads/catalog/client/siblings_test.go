package client_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"natster/events"
	"natster/internal/test/catalogtest"
	"natster/internal/test/wait"
	"natster/workloads/catalog/client"
	"natster/workloads/catalog/server"
)

// Two processes serve the same catalog: each request may reach either, a session is one's alone.
func TestTwoServersOfOneCatalogDoNotDisturbEachOther(t *testing.T) {
	w := catalogtest.Start(t)
	var opened atomic.Int64
	count := func(c *server.Config) {
		c.Observe = func(a server.Activity) {
			if a.Verb == events.VerbDownload {
				opened.Add(1)
			}
		}
	}
	one, _ := w.Serve(t, count)
	two, _ := w.Serve(t, count)
	content := catalogtest.Content(300*chunk+9, 1)
	e := w.Library.Add("a.mp4", content)
	for range 4 { // each opens its session at either
		dir := t.TempDir()
		opened.Store(0)
		if _, err := download(t, bob(t, w), dir, e); err != nil {
			t.Fatal(err)
		}
		expectFile(t, dir, "a.mp4", content)
		if n := opened.Load(); n != 1 {
			t.Fatalf("%d sessions for one file", n)
		}
	}
	wait.Eventually(t, "sessions are closed where they are", func() bool {
		return one.Usage().Sessions+two.Usage().Sessions == 0
	})
}

func TestTheOtherServerGoesOnWhenOneEnds(t *testing.T) {
	w := catalogtest.Start(t)
	content := catalogtest.Content(300*chunk, 1)
	e := w.Library.Add("a.mp4", content)
	_, stop := w.Serve(t)
	var once sync.Once
	half, goOn := make(chan struct{}), make(chan struct{})
	w.Library.OnRead(e.Hash, func(off int64) error {
		if off >= 100*chunk {
			once.Do(func() { close(half) })
			<-goOn
		}
		return nil
	})
	dir := t.TempDir()
	ended := make(chan error, 1)
	go func() {
		_, err := bob(t, w, func(c *client.Config) { c.Timeout = wait.Patience }).
			Download(t.Context(), films, w.Library.Contents().Entries, dir, client.Options{})
		ended <- err
	}()
	<-half
	w.Serve(t)
	w.Library.OnRead(e.Hash, nil)
	close(goOn)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	expectFile(t, dir, "a.mp4", content)
}

package client_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/internal/test/catalogtest"
	"natster/internal/test/wait"
	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
	"natster/workloads/catalog/seal"
)

// within fails the test rather than hang when f does not end.
func within(t testing.TB, f func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	return wait.Receive(t, "it ends", ended)
}

func TestWhatStandsWhereAPartialWouldIsNotWrittenTo(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(3*chunk, 1))
	for name, put := range map[string]func(path string) error{
		"a link to another file":  func(p string) error { return os.Symlink("mine", p) },
		"a link to nothing":       func(p string) error { return os.Symlink("nothing", p) },
		"a link out of here":      func(p string) error { return os.Symlink("/etc/hostname", p) },
		"a directory":             func(p string) error { return os.Mkdir(p, 0o700) },
		"a link to the directory": func(p string) error { return os.Symlink(".", p) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "mine"), []byte("my own words"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := put(filepath.Join(dir, client.PartialName(e))); err != nil {
				t.Fatal(err)
			}
			err := within(t, func(ctx context.Context) error {
				_, err := bob(t, w).Download(ctx, films, []catalog.Entry{e}, dir, client.Options{})
				return err
			})
			if !errors.Is(err, client.ErrExists) {
				t.Fatal(err)
			}
			expectFile(t, dir, "mine", []byte("my own words"))
			if _, err := os.Lstat(filepath.Join(dir, "nothing")); err == nil {
				t.Fatal("it was made through the link")
			}
		})
	}
}

// A listing can call one file as another's partial: neither may pass for the other.
func TestAFileThatIsCalledAsAPartialIsRefused(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(3*chunk, 1))
	trap := w.Library.Add(client.PartialName(e), catalogtest.Content(2*chunk, 2))
	long := catalog.Entry{Path: strings.Repeat("l", 250), Hash: e.Hash}
	trapLong := w.Library.Add(client.PartialName(long), catalogtest.Content(2*chunk, 3))
	dir := t.TempDir()
	for _, e := range []catalog.Entry{trap, trapLong} {
		if _, err := download(t, bob(t, w), dir, e); !errors.Is(err, catalog.ErrPath) {
			t.Fatal(err)
		}
	}
	expectOnly(t, dir)
	plain := w.Library.Add("b.partial", catalogtest.Content(10, 4)) // not how ours are called
	if _, err := download(t, bob(t, w), dir, e, plain); err != nil {
		t.Fatal(err)
	}
	expectOnly(t, dir, "a.mp4", "b.partial")
}

func TestFilesWithOneContentAndLongNamesComeBesideEachOther(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	content := catalogtest.Content(100*chunk, 1)
	var names []string
	for i := range 4 {
		names = append(names, strings.Repeat("n", 250)+fmt.Sprint(i))
		w.Library.Add(names[i], content)
	}
	dir := t.TempDir()
	if _, err := download(t, bob(t, w), dir, w.Library.Contents().Entries...); err != nil {
		t.Fatal(err)
	}
	expectOnly(t, dir, names...)
}

// answers makes alice's account answer a verb of films as f says.
func answers(t testing.TB, w *catalogtest.World, verb string, f func(m *nats.Msg) string) {
	t.Helper()
	nc := w.Alice.Conn(t)
	sub, err := nc.Subscribe("*.natster.catalog.films."+verb, func(m *nats.Msg) { _ = m.Respond([]byte(f(m))) })
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sub.Unsubscribe() })
}

func TestAServerWithImpossibleSizesIsRefused(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(10, 1))
	e.Size = 1 << 50
	key, _ := seal.NewKey()
	answers(t, w, "download", func(*nats.Msg) string {
		return fmt.Sprintf(`{"code":200,"data":{"acknowledged":true,"chunk_size":1,"total_chunks":1,"total_bytes":%d,`+
			`"sender_xkey":%q}}`, e.Size, key.Public())
	})
	dir := t.TempDir()
	err := within(t, func(ctx context.Context) error {
		c := bob(t, w, func(c *client.Config) { c.Timeout = 50 * time.Millisecond })
		_, err := c.Download(ctx, films, []catalog.Entry{e}, dir, client.Options{})
		return err
	})
	if !errors.Is(err, client.ErrOffline) {
		t.Fatal(err)
	}
	expectOnly(t, dir)
}

func TestPagesThatDoNotEndAreRefused(t *testing.T) {
	w := catalogtest.Start(t)
	n := 0
	answers(t, w, "get", func(*nats.Msg) string {
		n++
		return fmt.Sprintf(`{"code":200,"data":{"name":"films","entries":[],"next":"%09d"}}`, n)
	})
	err := within(t, func(ctx context.Context) error {
		_, err := bob(t, w).List(ctx, films)
		return err
	})
	if !errors.Is(err, catalog.ErrContents) {
		t.Fatal(err)
	}
}

func TestAListingOfAnotherCatalogIsRefused(t *testing.T) {
	w := catalogtest.Start(t)
	answers(t, w, "get", func(*nats.Msg) string { return `{"code":200,"data":{"name":"music","entries":[]}}` })
	if _, err := bob(t, w).List(t.Context(), films); !errors.Is(err, catalog.ErrContents) {
		t.Fatal(err)
	}
}

// Between the look whether a file is there and the lock on its partial, another download may finish it.
func TestAFileThatAnotherDownloadFinishedIsThere(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	content := catalogtest.Content(3*chunk, 1)
	e := w.Library.Add("a.mp4", content)
	dir := t.TempDir()
	c := bob(t, w)
	c.WriteThrough(func(f *os.File) client.Sink {
		if err := os.WriteFile(filepath.Join(dir, "a.mp4"), content, 0o600); err != nil {
			t.Error(err)
		}
		return f
	})
	r, err := download(t, c, dir, e)
	if err != nil || r.Skipped != 1 {
		t.Fatal(r, err)
	}
	expectOnly(t, dir, "a.mp4")
}

// replacing is a sink under whose name something else stands by the time it is whole.
type replacing struct {
	client.Sink
	replace func() error
}

func (r replacing) Sync() error { return errors.Join(r.Sink.Sync(), r.replace()) }

func TestOnlyWhatWasVerifiedGetsTheName(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(3*chunk, 1))
	for _, overwrite := range []bool{false, true} {
		dir := t.TempDir()
		name := filepath.Join(dir, client.PartialName(e))
		c := bob(t, w)
		c.WriteThrough(func(f *os.File) client.Sink {
			return replacing{f, func() error { // as when it is removed, and another download begins
				return errors.Join(os.Remove(name), os.WriteFile(name, []byte("half"), 0o600))
			}}
		})
		o := client.Options{Overwrite: overwrite}
		if _, err := c.Download(t.Context(), films, []catalog.Entry{e}, dir, o); err == nil {
			t.Fatal("no error")
		}
		expectOnly(t, dir, client.PartialName(e))
		expectFile(t, dir, client.PartialName(e), []byte("half"))
	}
}

// As many files at a time as one likes do not use up what a server gives to one account.
func TestMoreAtATimeThanAServerAllowsComeOneAfterAnother(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	const files = 300 // a server has 256 sessions for an account
	for i := range files {
		w.Library.Add(fmt.Sprint(i), []byte(fmt.Sprint("content", i)))
	}
	entries := w.Library.Contents().Entries
	r, err := bob(t, w).Download(t.Context(), films, entries, t.TempDir(), client.Options{Parallel: files})
	if err != nil || r.Files != files {
		t.Fatal(r, err)
	}
}

// A server of protocol 1 that sends for ever, and never what was asked for.
func TestAPushThatDoesNotEndIsGivenUp(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(10*4096, 1))
	key, _ := seal.NewKey()
	nc := w.Alice.Conn(t)
	subject := w.Bob.Key.String() + ".natster.media.films." + e.Hash.String()
	ctx, stop := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	defer sending.Wait()
	defer stop()
	answers(t, w, "download", func(*nats.Msg) string {
		sending.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				_ = nc.PublishMsg(&nats.Msg{Subject: subject, Data: []byte("garbage"), Header: nats.Header{
					"x-natster-chunk-idx": {fmt.Sprint(i % 20)}, "x-natster-total-chunks": {"20"},
					"x-natster-sender-xkey": {key.Public()},
				}})
				_ = nc.Flush() // not faster than it is taken
			}
		})
		return fmt.Sprintf(`{"code":200,"data":{"acknowledged":true,"chunk_size":4096,"total_chunks":10,`+
			`"total_bytes":%d,"sender_xkey":%q}}`, e.Size, key.Public())
	})
	dir := t.TempDir()
	err := within(t, func(ctx context.Context) error {
		c := bob(t, w, func(c *client.Config) { c.Timeout = 50 * time.Millisecond })
		_, err := c.Download(ctx, films, []catalog.Entry{e}, dir, client.Options{})
		return err
	})
	if !errors.Is(err, client.ErrOffline) {
		t.Fatal(err)
	}
	expectOnly(t, dir)
}

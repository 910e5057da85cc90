package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"natster/internal/test/catalogtest"
	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
)

func open(t testing.TB, c *client.Client, e catalog.Entry) *client.File {
	t.Helper()
	f, err := c.Open(t.Context(), films, e)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func TestARemoteFileReadsLikeALocalOne(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	for _, n := range []int{0, 1, chunk - 1, chunk, chunk + 1, 5*chunk + 3} {
		content := catalogtest.Content(n, byte(n))
		f := open(t, bob(t, w), w.Library.Add("f"+string(rune('a'+n%26))+".mp4", content))
		all := struct {
			*client.Reader
			io.ReaderAt
		}{f.NewReader(t.Context()), f}
		if err := iotest.TestReader(all, content); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
		if f.Size() != int64(n) || f.Owner() != w.Alice.Key {
			t.Error(f.Size(), f.Owner())
		}
	}
}

func TestAnyRangeCanBeReadByMany(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	content := catalogtest.Content(300*chunk+11, 1)
	f := open(t, bob(t, w), w.Library.Add("a.mp4", content))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			for range 40 {
				off := r.IntN(len(content))
				p := make([]byte, r.IntN(4*chunk))
				n, err := f.ReadAt(p, int64(off))
				want := content[off:min(len(content), off+len(p))]
				if !bytes.Equal(p[:n], want) || (err != nil) != (n < len(p)) ||
					(err != nil && !errors.Is(err, io.EOF)) {
					t.Errorf("%d bytes at %d: %d, %v", len(p), off, n, err)
				}
			}
		})
		wg.Go(func() {
			r := f.NewReader(t.Context())
			if _, err := r.Seek(int64(i)*30*chunk, io.SeekStart); err != nil {
				t.Error(err)
			}
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, content[i*30*chunk:]) {
				t.Error(len(got), err)
			}
		})
	}
	wg.Wait()
}

func TestAReadWaitsNoLongerThanItsContext(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(10*chunk, 1))
	f := open(t, bob(t, w), e)
	reading, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.Library.OnRead(e.Hash, func(int64) error {
		once.Do(func() { close(reading) })
		<-goOn
		return nil
	})
	defer close(goOn)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-reading; cancel() }()
	if _, err := f.NewReader(ctx).Read(make([]byte, 10)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := f.ReadAt(make([]byte, 10), 0)
		failed <- err
	}()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; !errors.Is(err, client.ErrClosed) {
		t.Fatal(err)
	}
}

func TestAFileOutlivesItsServer(t *testing.T) {
	w := catalogtest.Start(t)
	_, stop := w.Serve(t)
	content := catalogtest.Content(1000*chunk, 1)
	e := w.Library.Add("a.mp4", content)
	f := open(t, bob(t, w), e)
	read := func(off int64) {
		t.Helper()
		p := make([]byte, 1000)
		if _, err := f.ReadAt(p, off); err != nil || !bytes.Equal(p, content[off:off+1000]) {
			t.Fatal(err)
		}
	}
	read(0)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	w.Serve(t)
	read(800 * chunk)
	w.Restart(t)
	read(400 * chunk)
	w.Library.Change(e.Hash)
	if _, err := f.ReadAt(make([]byte, 10), 600*chunk); !errors.Is(err, catalog.ErrChanged) {
		t.Fatal(err)
	}
}

func TestWhoLooksAroundDoesNotLoadTheWholeFile(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	content := catalogtest.Content(1000*chunk, 1)
	e := w.Library.Add("a.mp4", content)
	var reads atomic.Int64
	w.Library.OnRead(e.Hash, func(int64) error { reads.Add(1); return nil })
	r := open(t, bob(t, w), e).NewReader(t.Context())
	for i := range int64(20) {
		if _, err := r.Seek(i*40*chunk, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		p := make([]byte, 100)
		if _, err := io.ReadFull(r, p); err != nil || !bytes.Equal(p, content[i*40*chunk:][:100]) {
			t.Fatal(err)
		}
	}
	if n := reads.Load(); n > 60 {
		t.Fatalf("%d chunks were read for 20 looks", n)
	}
}

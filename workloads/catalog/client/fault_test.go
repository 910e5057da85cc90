package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/internal/test/catalogtest"
	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
	"natster/workloads/catalog/seal"
	"natster/workloads/catalog/server"
)

func originIs(a events.Account) func(context.Context, events.Catalog) (client.Origin, error) {
	return func(context.Context, events.Catalog) (client.Origin, error) { return client.Origin{Owner: a}, nil }
}

// What may happen to frames on their way must not change the file.
func TestWhatGoesWrongOnTheWayIsRepaired(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	content := catalogtest.Content(150*chunk+9, 1)
	e := w.Library.Add("a.mp4", content)
	var other [][]byte // frames of another session of the same file
	c := bob(t, w)
	c.OnTheWire(func(b []byte) [][]byte { other = append(other, bytes.Clone(b)); return [][]byte{b} })
	if _, err := download(t, c, t.TempDir(), e); err != nil {
		t.Fatal(err)
	}
	one := func(b []byte) [][]byte { return [][]byte{b} }
	for name, wire := range map[string]func() func([]byte) [][]byte{
		"one in seven is lost": func() func([]byte) [][]byte {
			n := 0
			return func(b []byte) [][]byte {
				if n++; n%7 == 0 {
					return nil
				}
				return one(b)
			}
		},
		"the first are lost": func() func([]byte) [][]byte {
			n := 0
			return func(b []byte) [][]byte {
				if n++; n <= 2 {
					return nil
				}
				return one(b)
			}
		},
		"the last is lost": func() func([]byte) [][]byte {
			lost := false
			return func(b []byte) [][]byte {
				if b[1] == byte(seal.KindLast) && !lost {
					lost = true
					return nil
				}
				return one(b)
			}
		},
		"all come twice": func() func([]byte) [][]byte {
			return func(b []byte) [][]byte { return [][]byte{bytes.Clone(b), b} }
		},
		"they come in another order": func() func([]byte) [][]byte {
			var held [][]byte
			r := rand.New(rand.NewPCG(1, 2))
			return func(b []byte) [][]byte {
				if held = append(held, b); len(held) < 2 {
					return nil
				}
				out := held
				held = nil
				r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
				return out
			}
		},
		"some are cut": func() func([]byte) [][]byte {
			n := 0
			return func(b []byte) [][]byte {
				if n++; n%5 == 0 {
					return one(b[:len(b)/n])
				}
				return one(b)
			}
		},
		"some are changed": func() func([]byte) [][]byte {
			n := 0
			return func(b []byte) [][]byte {
				if n++; n%5 == 0 {
					b[(n*37)%len(b)] ^= 0x10
				}
				return one(b)
			}
		},
		"others are older ones again": func() func([]byte) [][]byte {
			var seen [][]byte
			return func(b []byte) [][]byte {
				seen = append(seen, bytes.Clone(b))
				return [][]byte{bytes.Clone(seen[len(seen)/2]), b, bytes.Clone(seen[0])}
			}
		},
		"others are of another session": func() func([]byte) [][]byte {
			n := 0
			return func(b []byte) [][]byte {
				n++
				return [][]byte{bytes.Clone(other[n%len(other)]), b}
			}
		},
		"others are garbage": func() func([]byte) [][]byte {
			return func(b []byte) [][]byte {
				return [][]byte{nil, {2}, []byte("garbage"), bytes.Repeat([]byte{2, 1, 0, 0}, 5000), b}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := bob(t, w)
			c.OnTheWire(wire())
			dir := t.TempDir()
			if _, err := download(t, c, dir, e); err != nil {
				t.Fatal(err)
			}
			expectFile(t, dir, "a.mp4", content)
		})
	}
}

// Another user of the owner's account can publish to the session, but does not have its key.
func TestAnIntruderInTheOwnersAccountChangesNothing(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	content := catalogtest.Content(100*chunk, 1)
	e := w.Library.Add("a.mp4", content)
	nc := w.Alice.Conn(t)
	var forged atomic.Int64
	sub, err := nc.Subscribe("*.natster.media.films.*", func(m *nats.Msg) {
		if forged.Add(1) > 2000 { // what it publishes comes back to it
			return
		}
		bad := bytes.Clone(m.Data)
		bad[len(bad)-1]++
		end := bytes.Clone(bad[:60])
		end[1] = byte(seal.KindEnd)
		clear(end[4:12])
		for _, b := range [][]byte{bad, end, m.Data} {
			if err := nc.Publish(m.Subject, b); err != nil {
				t.Error(err)
			}
		}
	})
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Unsubscribe()
	dir := t.TempDir()
	if _, err := download(t, bob(t, w), dir, e); err != nil {
		t.Fatal(err)
	}
	expectFile(t, dir, "a.mp4", content)
	if forged.Load() == 0 {
		t.Fatal("the intruder heard nothing")
	}
}

func TestACatalogServerThatIsRestartedIsContinuedFrom(t *testing.T) {
	for _, how := range []string{"stopped", "killed"} {
		t.Run(how, func(t *testing.T) {
			w := catalogtest.Start(t)
			var conn *nats.Conn
			_, stop := w.Serve(t, func(c *server.Config) { conn = c.Conn })
			if how == "killed" { // it says nothing any more
				gentle := stop
				stop = func() error { conn.Close(); _ = gentle(); return nil }
			}
			content := catalogtest.Content(200*chunk, 1)
			e := w.Library.Add("a.mp4", content)
			restart := make(chan struct{})
			var once sync.Once
			w.Library.OnRead(e.Hash, func(off int64) error {
				if off >= 100*chunk {
					once.Do(func() { close(restart) })
				}
				return nil
			})
			sessions := make(map[string]bool)
			var mu sync.Mutex
			tap, err := w.Alice.Conn(t).Subscribe("*.natster.media.films.*", func(m *nats.Msg) {
				mu.Lock()
				defer mu.Unlock()
				sessions[m.Subject] = true
			})
			if err != nil {
				t.Fatal(err)
			}
			defer tap.Unsubscribe()
			dir := t.TempDir()
			done := make(chan error, 1)
			var r client.Result
			go func() {
				var err error
				r, err = download(t, bob(t, w), dir, e)
				done <- err
			}()
			<-restart
			if err := stop(); err != nil {
				t.Error(err)
			}
			w.Serve(t)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			expectFile(t, dir, "a.mp4", content)
			if r.Bytes != int64(len(content)) {
				t.Fatalf("%d bytes were taken, of %d", r.Bytes, len(content))
			}
			mu.Lock()
			defer mu.Unlock()
			if len(sessions) != 2 {
				t.Fatalf("%d sessions", len(sessions))
			}
		})
	}
}

// A server may cut a file into other chunks after its restart; the page's media.test.ts has the same case.
func TestAServerThatCutsTheFileOtherwiseIsContinuedFrom(t *testing.T) {
	for _, size := range []int{chunk / 2, 2 * chunk} {
		w := catalogtest.Start(t)
		limit := func(size int) func(*server.Config) { return func(c *server.Config) { c.Limits.ChunkSize = size } }
		_, stop := w.Serve(t, limit(chunk))
		content := catalogtest.Content(200*chunk+9, 1)
		e := w.Library.Add("a.mp4", content)
		half, goOn := make(chan struct{}), make(chan struct{})
		var once sync.Once
		w.Library.OnRead(e.Hash, func(off int64) error {
			if off >= 100*chunk {
				once.Do(func() { close(half); <-goOn })
			}
			return nil
		})
		c := bob(t, w, func(c *client.Config) { c.ChunkSize = 2 * chunk })
		f, err := c.Open(t.Context(), films, e)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		got := make([]byte, len(content))
		if _, err := f.ReadAt(got[:50*chunk], 0); err != nil {
			t.Fatal(err)
		}
		dir, ended := t.TempDir(), make(chan error, 1)
		go func() {
			_, err := download(t, c, dir, e)
			ended <- err
		}()
		<-half
		close(goOn)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		w.Serve(t, limit(size))
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		expectFile(t, dir, "a.mp4", content)
		if _, err := f.ReadAt(got[50*chunk:], 50*chunk); err != nil || !bytes.Equal(got, content) {
			t.Fatalf("an open file is read otherwise: %v", err)
		}
	}
}

func TestANATSServerThatIsRestartedIsSurvived(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	content := catalogtest.Content(300*chunk, 1)
	e := w.Library.Add("a.mp4", content)
	restart := make(chan struct{})
	var once sync.Once
	w.Library.OnRead(e.Hash, func(off int64) error {
		if off >= 100*chunk {
			once.Do(func() { close(restart) })
		}
		return nil
	})
	dir := t.TempDir()
	done := make(chan error, 1)
	go func() {
		_, err := download(t, bob(t, w), dir, e)
		done <- err
	}()
	<-restart
	w.Restart(t)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	expectFile(t, dir, "a.mp4", content)
}

func TestAFileThatChangesMeanwhileIsNotKept(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(100*chunk, 1))
	var once sync.Once
	w.Library.OnRead(e.Hash, func(off int64) error {
		if off >= 50*chunk {
			once.Do(func() { w.Library.Change(e.Hash) })
		}
		return nil
	})
	dir := t.TempDir()
	if _, err := download(t, bob(t, w), dir, e); !errors.Is(err, catalog.ErrChanged) {
		t.Fatal(err)
	}
	expectOnly(t, dir, client.PartialName(e))
}

func TestAServerThatIsGoneForGoodIsGivenUp(t *testing.T) {
	w := catalogtest.Start(t)
	_, stop := w.Serve(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(100*chunk, 1))
	var once sync.Once
	gone := make(chan struct{})
	w.Library.OnRead(e.Hash, func(off int64) error {
		if off >= 50*chunk {
			once.Do(func() { close(gone) })
		}
		return nil
	})
	go func() {
		<-gone
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	c := bob(t, w, func(c *client.Config) { c.Timeout = 300 * time.Millisecond })
	if _, err := download(t, c, t.TempDir(), e); !errors.Is(err, client.ErrOffline) {
		t.Fatal(err)
	}
}

// An impostor answers with what a real server would say to another account, or about another file.
func TestAnImpostorIsNotBelieved(t *testing.T) {
	w := catalogtest.Start(t)
	content := catalogtest.Content(3*chunk, 1)
	e := w.Library.Add("a.mp4", content)
	nc := w.Alice.Conn(t)
	var change func(*catalog.DownloadReply, *seal.Header)
	sub, err := nc.Subscribe(events.CatalogService(films, events.VerbDownload), func(m *nats.Msg) {
		var q catalog.DownloadRequest
		if err := json.Unmarshal(m.Data, &q); err != nil {
			t.Error(err)
		}
		key, _ := seal.NewKey()
		h := seal.NewHeader(seal.Binding{
			Session: seal.NewSession(), Catalog: films, Hash: e.Hash,
			Layout: seal.Layout{Size: e.Size, ChunkSize: chunk},
			Owner:  w.Alice.Key, Receiver: w.Bob.Key, Target: q.Target, Sender: key.Public(),
		})
		a := catalog.DownloadReply{
			Acknowledged: true, Protocol: 2, ChunkSize: chunk, TotalChunks: 3, TotalBytes: e.Size,
			Session: h.Session, Sender: key.Public(),
		}
		change(&a, h)
		sealed, err := h.Seal(key, nil)
		if err != nil {
			t.Error(err)
		}
		if a.Header == nil {
			a.Header = sealed
		}
		if err := m.Respond(api.EncodeReply(a, nil)); err != nil {
			t.Error(err)
		}
	})
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Unsubscribe()
	for name, f := range map[string]func(*catalog.DownloadReply, *seal.Header){
		"no header":       func(a *catalog.DownloadReply, _ *seal.Header) { a.Header = []byte("none") },
		"other session":   func(a *catalog.DownloadReply, _ *seal.Header) { a.Session = seal.NewSession() },
		"other file":      func(_ *catalog.DownloadReply, h *seal.Header) { h.Hash[0]++ },
		"other size":      func(a *catalog.DownloadReply, h *seal.Header) { a.TotalBytes++; h.Layout.Size++ },
		"other receiver":  func(_ *catalog.DownloadReply, h *seal.Header) { h.Receiver = w.Alice.Key },
		"no chunk size":   func(a *catalog.DownloadReply, _ *seal.Header) { a.ChunkSize = 0 },
		"huge chunk size": func(a *catalog.DownloadReply, _ *seal.Header) { a.ChunkSize = 1 << 40 },
		"other owner":     func(_ *catalog.DownloadReply, h *seal.Header) { h.Owner = w.Bob.Key },
	} {
		t.Run(name, func(t *testing.T) {
			change = f
			c := bob(t, w, func(c *client.Config) { c.Origin = originIs(w.Alice.Key) })
			if _, err := c.Open(t.Context(), films, e); !errors.Is(err, client.ErrImpostor) {
				t.Fatal(err)
			}
		})
	}
	change = func(*catalog.DownloadReply, *seal.Header) {}
	f, err := bob(t, w).Open(t.Context(), films, e)
	if err != nil {
		t.Fatal("the true answer is not believed:", err)
	}
	if f.Owner() != w.Alice.Key {
		t.Error("another owner")
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

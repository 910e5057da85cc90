package server_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"natster/events"
	"natster/functions/api"
	"natster/internal/test/catalogtest"
	"natster/internal/test/wait"
	"natster/workloads/catalog"
	"natster/workloads/catalog/library"
	"natster/workloads/catalog/seal"
	"natster/workloads/catalog/server"
)

func TestSessionsAreLimitedAndClose(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(100<<10, 1))
	s, _ := w.Serve(t, func(c *server.Config) {
		c.Limits.CallerSessions, c.Limits.Pending, c.Limits.Rest = 2, 10, time.Hour
	})
	nc := w.Bob.Conn(t)
	a, b := openSession(t, nc, w.Alice.Key, w.Bob.Key, e, 4096), openSession(t, nc, w.Alice.Key, w.Bob.Key, e, 4096)
	key, _ := seal.NewKey()
	q := catalog.DownloadRequest{Hash: e.Hash, Target: key.Public(), Protocol: 2}
	env := catalogtest.Ask(t, nc, subject(events.VerbDownload), q)
	expectCode(t, env, api.CodeTooMany)
	if !strings.HasSuffix(env.Error, "2 downloads are open, of them 2 yours: try again in 1 s") {
		t.Errorf("the refusal is %q", env.Error)
	}

	if a.reply.Session == b.reply.Session || a.reply.Sender == b.reply.Sender {
		t.Fatal("two sessions have something in common")
	}
	bobs := catalog.FetchRequest{Session: a.reply.Session}
	expectCode(t, catalogtest.Ask(t, w.Alice.Conn(t), subject(events.VerbFetch), bobs), api.CodeNotFound)
	for name, chunks := range map[string][2]int64{
		"beyond the end": {25, 1}, "over the end": {24, 2}, "negative": {-1, 1}, "none": {0, 0},
		"overflow": {1, 1<<63 - 1},
	} {
		t.Run(name, func(t *testing.T) { expectCode(t, a.fetch(chunks), api.CodeBadRequest) })
	}
	hold := make(chan struct{})
	w.Library.OnRead(e.Hash, func(int64) error { <-hold; return nil })
	expectCode(t, a.fetch([2]int64{0, 10}), api.CodeOK)
	expectCode(t, a.fetch([2]int64{10, 10}), api.CodeTooMany)
	close(hold)
	for range 10 {
		a.frame()
	}
	expectCode(t, catalogtest.Ask(t, nc, subject(events.VerbClose), bobs), api.CodeOK)
	expectCode(t, a.fetch([2]int64{0, 1}), api.CodeNotFound)
	wait.Eventually(t, "the file is closed once", func() bool { return w.Library.Open() == 1 })
	if n := s.Usage().Sessions; n != 1 {
		t.Fatal(n)
	}
	openSession(t, nc, w.Alice.Key, w.Bob.Key, e, 4096)
}

func TestTheIdlestSessionMakesRoom(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(100<<10, 1))
	busy := w.Library.Add("b.mp4", catalogtest.Content(100<<10, 2))
	w.Serve(t, func(c *server.Config) { c.Limits.CallerSessions, c.Limits.Rest = 2, time.Nanosecond })
	nc := w.Bob.Conn(t)
	key, _ := seal.NewKey()
	q := catalog.DownloadRequest{Hash: e.Hash, Target: key.Public(), Protocol: 2}
	idle := openSession(t, nc, w.Alice.Key, w.Bob.Key, e, 4096)
	hold := make(chan struct{})
	w.Library.OnRead(busy.Hash, func(int64) error { <-hold; return nil })
	working := openSession(t, nc, w.Alice.Key, w.Bob.Key, busy, 4096)
	expectCode(t, working.fetch([2]int64{0, 1}), api.CodeOK)
	next := openSession(t, nc, w.Alice.Key, w.Bob.Key, busy, 4096)
	expectCode(t, idle.fetch([2]int64{0, 1}), api.CodeNotFound) // which a receiver takes for "open another"
	expectCode(t, next.fetch([2]int64{0, 1}), api.CodeOK)
	expectCode(t, catalogtest.Ask(t, nc, subject(events.VerbDownload), q), api.CodeTooMany) // all are at work
	close(hold)
	for i, x := range []*receiver{working, next} {
		if f := x.frame(); f.Index != 0 {
			t.Errorf("session %d gets chunk %d", i, f.Index)
		}
	}
}

// Where all of a server's sessions are taken, the account that has most of them makes room: nobody is locked out by
// another.
func TestTheGreediestAccountMakesRoom(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(100<<10, 1))
	w.Serve(t, func(c *server.Config) { c.Limits.Sessions, c.Limits.Rest = 3, time.Nanosecond })
	first := openSession(t, w.Bob.Conn(t), w.Alice.Key, w.Bob.Key, e, 4096)
	second := openSession(t, w.Bob.Conn(t), w.Alice.Key, w.Bob.Key, e, 4096)
	own := openSession(t, w.Alice.Conn(t), w.Alice.Key, w.Alice.Key, e, 4096)
	more := openSession(t, w.Alice.Conn(t), w.Alice.Key, w.Alice.Key, e, 4096)
	expectCode(t, first.fetch([2]int64{0, 1}), api.CodeNotFound)
	for _, x := range []*receiver{second, own, more} {
		expectCode(t, x.fetch([2]int64{0, 1}), api.CodeOK)
	}
}

func TestAnUnusedSessionExpires(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(100, 1))
	s, _ := w.Serve(t, func(c *server.Config) { c.Limits.Idle = 200 * time.Millisecond })
	x := openSession(t, w.Bob.Conn(t), w.Alice.Key, w.Bob.Key, e, 4096)
	wait.Eventually(t, "it expires", func() bool { return s.Usage().Sessions == 0 })
	expectCode(t, x.fetch([2]int64{0, 1}), api.CodeNotFound)
	if w.Library.Open() != 0 {
		t.Fatal("its file is still open")
	}
}

func TestAFileThatChangesEndsItsSessions(t *testing.T) {
	w := catalogtest.Start(t)
	for name, change := range map[string]func(t *testing.T, path string){
		"written to": func(t *testing.T, path string) {
			if err := os.WriteFile(path, catalogtest.Content(40001, 2), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"deleted": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
		"replaced": func(t *testing.T, path string) {
			other := filepath.Join(t.TempDir(), "other")
			if err := os.WriteFile(other, catalogtest.Content(40000, 2), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(other, path); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "a.mp4")
			if err := os.WriteFile(path, catalogtest.Content(40000, 1), 0o600); err != nil {
				t.Fatal(err)
			}
			lib, err := library.Open(t.Context(), library.Config{Dir: dir, Name: films})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := lib.Scan(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, stop := w.Serve(t, func(c *server.Config) { c.Catalogs = []server.Library{catalogtest.Still(lib)} })
			e := lib.Contents().Entries[0]
			x := openSession(t, w.Bob.Conn(t), w.Alice.Key, w.Bob.Key, e, 4096)
			expectCode(t, x.fetch([2]int64{0, 1}), api.CodeOK)
			if f := x.frame(); !bytes.Equal(f.Plain, catalogtest.Content(40000, 1)[:4096]) {
				t.Fatal("another file")
			}
			change(t, path)
			expectCode(t, x.fetch([2]int64{1, 1}), api.CodeOK)
			if f := x.frame(); f.Kind != seal.KindEnd || f.End.Code != 410 {
				t.Fatalf("%+v", f)
			}
			expectCode(t, x.fetch([2]int64{1, 1}), api.CodeGone)
			key, _ := seal.NewKey()
			q := catalog.DownloadRequest{Hash: e.Hash, Target: key.Public(), Protocol: 2}
			expectCode(t, catalogtest.Ask(t, w.Bob.Conn(t), subject(events.VerbDownload), q), api.CodeGone)
			if err := stop(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestTheLargestChunkCanBePublished(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(3<<20, 1))
	w.Serve(t)
	nc := w.Bob.Conn(t)
	x := openSession(t, nc, w.Alice.Key, w.Bob.Key, e, 1<<30)
	if n := x.reply.ChunkSize + seal.Overhead; int64(n) > nc.MaxPayload() {
		t.Fatalf("frames of %d bytes, and %d is the most", n, nc.MaxPayload())
	}
	expectCode(t, x.fetch([2]int64{0, 1}), api.CodeOK)
	if f := x.frame(); len(f.Plain) != x.reply.ChunkSize {
		t.Fatal(len(f.Plain))
	}
}

func TestAFileOnADiskThatIsAway(t *testing.T) {
	w := catalogtest.Start(t)
	dir := filepath.Join(t.TempDir(), "disk")
	err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(filepath.Join(dir, "a.mp4"), []byte("film"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	lib, err := library.Open(t.Context(), library.Config{Dir: dir, Name: catalogtest.Films})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lib.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Serve(t, func(c *server.Config) { c.Catalogs = []server.Library{catalogtest.Still(lib)} })
	e := lib.Contents().Entries[0]
	if err := os.Rename(dir, dir+" elsewhere"); err != nil {
		t.Fatal(err)
	}
	key, _ := seal.NewKey()
	for _, protocol := range []int{1, 2} {
		q := catalog.DownloadRequest{Hash: e.Hash, Target: key.Public(), Protocol: protocol}
		expectCode(t, catalogtest.Ask(t, w.Bob.Conn(t), subject(events.VerbDownload), q), api.CodeAway)
	}
	expectCode(t, catalogtest.Ask(t, w.Bob.Conn(t), subject(events.VerbGet), nil), api.CodeOK) // it stays listed
}

func TestTheReceiverLearnsThatAFileCannotBeRead(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(100, 1))
	w.Library.OnRead(e.Hash, func(int64) error { return errors.New("input/output error of /home/alice") })
	w.Serve(t)
	x := openSession(t, w.Bob.Conn(t), w.Alice.Key, w.Bob.Key, e, 4096)
	expectCode(t, x.fetch([2]int64{0, 1}), api.CodeOK)
	want := seal.End{Code: int(api.CodeInternal), Error: "the file cannot be read"}
	if f := x.frame(); f.Kind != seal.KindEnd || f.End != want {
		t.Fatalf("%+v", f)
	}
}

package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/deploy/world/worldtest"
	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog"
	"natster/workloads/catalog/internal/catalogtest"
	"natster/workloads/catalog/library"
	"natster/workloads/catalog/seal"
	"natster/workloads/catalog/server"
)

var films = catalogtest.Films

func subject(verb string) string { return events.CatalogSubject(films, verb) }

// receiver plays the other end of protocol 2 by hand.
type receiver struct {
	t      testing.TB
	nc     *nats.Conn
	reply  catalog.DownloadReply
	r      *seal.Receiver
	frames *nats.Subscription
}

func openSession(t testing.TB, nc *nats.Conn, owner, me events.Account, e catalog.Entry, chunkSize int) *receiver {
	t.Helper()
	key, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	env := catalogtest.Ask(t, nc, subject(events.VerbDownload),
		catalog.DownloadRequest{Hash: e.Hash, Target: key.Public(), Protocol: 2, ChunkSize: chunkSize})
	if env.Code != api.CodeOK {
		t.Fatalf("download: %d %s", env.Code, env.Error)
	}
	x := &receiver{t: t, nc: nc}
	if err := json.Unmarshal(env.Data, &x.reply); err != nil {
		t.Fatal(err)
	}
	h, err := seal.OpenHeader(x.reply.Header, key, seal.Binding{
		Session: x.reply.Session, Catalog: films, Hash: e.Hash, Layout: seal.Layout{Size: e.Size, ChunkSize: x.reply.ChunkSize},
		Owner: owner, Receiver: me, Sender: x.reply.Sender,
	})
	if err != nil {
		t.Fatal(err)
	}
	if x.r, err = seal.NewReceiver(h); err != nil {
		t.Fatal(err)
	}
	if x.frames, err = nc.SubscribeSync(events.MediaSubject(events.Account{}, films, x.reply.Session)); err != nil {
		t.Fatal(err)
	}
	return x
}

func (x *receiver) fetch(chunks ...[2]int64) api.Envelope {
	x.t.Helper()
	return catalogtest.Ask(x.t, x.nc, subject(events.VerbFetch), catalog.FetchRequest{Session: x.reply.Session, Chunks: chunks})
}

func (x *receiver) frame() seal.Frame {
	x.t.Helper()
	m, err := x.frames.NextMsg(catalogtest.Patience)
	if err != nil {
		x.t.Fatal(err)
	}
	f, err := x.r.Open(m.Data)
	if err != nil {
		x.t.Fatal(err)
	}
	return f
}

func expectCode(t testing.TB, e api.Envelope, want api.Code) {
	t.Helper()
	if e.Code != want || (want != api.CodeOK) != (e.Error != "") {
		t.Fatalf("answered %d %q, want %d", e.Code, e.Error, want)
	}
}

func TestEveryRequestIsAnswered(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	garbage := map[string][]byte{
		"truncated":    []byte(`{"hash":"`),
		"no JSON":      []byte("\x00\xff hello"),
		"wrong type":   []byte(`{"hash":17,"session":[],"page":"x"}`),
		"an array":     []byte(`[]`),
		"a number":     []byte(`12`),
		"oversized":    append([]byte(`{"session":"`), bytes.Repeat([]byte("x"), 200<<10)...),
		"nested deep":  bytes.Repeat([]byte("["), 60<<10),
		"nested pairs": []byte(strings.Repeat(`{"hash":`, 5000) + strings.Repeat("}", 5000)),
	}
	for _, account := range []*worldtest.Account{w.Alice, w.Bob} {
		for _, verb := range []string{events.VerbGet, events.VerbDownload, events.VerbFetch, events.VerbClose} {
			for name, body := range garbage {
				t.Run(account.Name+" "+verb+" "+name, func(t *testing.T) {
					expectCode(t, catalogtest.Ask(t, account.Conn(t), subject(verb), body), api.CodeBadRequest)
				})
			}
		}
	}
	for name, body := range map[string]any{
		"no hash": catalog.DownloadRequest{}, "no key": catalog.DownloadRequest{Hash: events.Hash{1}},
		"bad key": catalog.DownloadRequest{Hash: events.Hash{1}, Target: "X" + strings.Repeat("A", 55), Protocol: 2},
	} {
		t.Run("download with "+name, func(t *testing.T) {
			expectCode(t, catalogtest.Ask(t, w.Bob.Conn(t), subject(events.VerbDownload), body), api.CodeBadRequest)
		})
	}
	key, _ := seal.NewKey()
	for _, protocol := range []int{0, 2} {
		body := catalog.DownloadRequest{Hash: events.Hash{1}, Target: key.Public(), Protocol: protocol}
		expectCode(t, catalogtest.Ask(t, w.Bob.Conn(t), subject(events.VerbDownload), body), api.CodeNotFound)
	}
	expectCode(t, catalogtest.Ask(t, w.Bob.Conn(t), subject(events.VerbFetch), catalog.FetchRequest{Session: "nothing"}), api.CodeNotFound)
	expectCode(t, catalogtest.Ask(t, w.Bob.Conn(t), subject(events.VerbClose), catalog.CloseRequest{Session: "nothing"}), api.CodeOK)
	expectCode(t, catalogtest.Ask(t, w.Alice.Conn(t), events.LocalInbox, []byte("garbage")), api.CodeOK)
}

func TestAStrangerIsRefusedEverything(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(10, 1))
	w.Serve(t)
	carol := w.Account("carol")
	w.Import(carol, films, w.Alice)
	key, _ := seal.NewKey()
	for verb, body := range map[string]any{
		events.VerbGet:      nil,
		events.VerbDownload: catalog.DownloadRequest{Hash: e.Hash, Target: key.Public(), Protocol: 2},
		events.VerbFetch:    catalog.FetchRequest{Session: "x"},
		events.VerbClose:    catalog.CloseRequest{Session: "x"},
	} {
		env := catalogtest.Ask(t, carol.Conn(t), subject(verb), body)
		expectCode(t, env, api.CodeForbidden)
		if env.Data != nil {
			t.Errorf("%s: %s", verb, env.Data)
		}
	}
}

func TestWhoCannotBeConfirmedIsNotServed(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(100, 1))
	w.Shares.Fail(errors.New("the functions are away"))
	w.Serve(t, func(c *server.Config) {
		c.Limits.SharesRefresh, c.Limits.SharesMaxAge = 20*time.Millisecond, 400*time.Millisecond
	})
	get := func(a *worldtest.Account) api.Code {
		return catalogtest.Ask(t, a.Conn(t), subject(events.VerbGet), nil).Code
	}
	if c := get(w.Bob); c != api.CodeUnavailable {
		t.Fatalf("bob before anything is known: %d", c)
	}
	if c := get(w.Alice); c != api.CodeOK {
		t.Fatalf("alice herself: %d", c)
	}
	w.Shares.Fail(nil)
	catalogtest.Eventually(t, "bob is served", func() bool { return get(w.Bob) == api.CodeOK })
	x := openSession(t, w.Bob.Conn(t), w.Alice.Key, w.Bob.Key, e, 0)
	w.Shares.Fail(errors.New("away again"))
	catalogtest.Eventually(t, "bob is refused", func() bool { return get(w.Bob) == api.CodeUnavailable })
	if f := x.frame(); f.Kind != seal.KindEnd {
		t.Fatalf("%+v", f)
	}
	if c := get(w.Alice); c != api.CodeOK {
		t.Fatalf("alice herself: %d", c)
	}
}

func TestAnUnshareEndsWhatIsOpen(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(100<<10, 1))
	s, _ := w.Serve(t)
	x := openSession(t, w.Bob.Conn(t), w.Alice.Key, w.Bob.Key, e, 4096)
	reading, goOn := make(chan struct{}), make(chan struct{})
	w.Library.OnRead(e.Hash, func(off int64) error {
		if off == 0 {
			close(reading)
			<-goOn
		}
		return nil
	})
	expectCode(t, x.fetch([2]int64{0, 1}), api.CodeOK)
	<-reading // a chunk is being sent
	w.Shares.Set()
	w.Tell(t, events.FeedUnshared, 7)
	f := x.frame()
	if f.Kind != seal.KindEnd || f.End.Code != 403 {
		t.Fatalf("%+v", f)
	}
	close(goOn)
	expectCode(t, x.fetch([2]int64{0, 1}), api.CodeForbidden)
	catalogtest.Eventually(t, "the file is closed", func() bool { return w.Library.Open() == 0 })
	if s.Stats().Bytes != 0 || s.Stats().Sessions != 0 {
		t.Fatalf("%+v after the share was taken back", s.Stats())
	}
	if w.Shares.Observed() != 7 {
		t.Fatal("the position was not passed on")
	}
	// shared again, and old news of the unshare comes late
	w.Shares.Set(api.Share{From: w.Alice.Key, To: w.Bob.Key, Catalog: films})
	w.Tell(t, events.FeedShared, 8)
	catalogtest.Eventually(t, "bob is served", func() bool {
		return catalogtest.Ask(t, w.Bob.Conn(t), subject(events.VerbGet), nil).Code == api.CodeOK
	})
	w.Tell(t, events.FeedUnshared, 7)
	w.Tell(t, events.FeedUnshared, 7)
	expectCode(t, x.fetch([2]int64{0, 1}), api.CodeNotFound)
	expectCode(t, catalogtest.Ask(t, w.Bob.Conn(t), subject(events.VerbGet), nil), api.CodeOK)
}

func TestAnUnshareThatNobodyToldOfIsNoticed(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(100, 1))
	w.Serve(t, func(c *server.Config) { c.Limits.SharesRefresh = 10 * time.Millisecond })
	x := openSession(t, w.Bob.Conn(t), w.Alice.Key, w.Bob.Key, e, 0)
	w.Shares.Set()
	if f := x.frame(); f.Kind != seal.KindEnd || f.End.Code != 403 {
		t.Fatalf("%+v", f)
	}
}

func TestTheOwnerNeedsNoShare(t *testing.T) {
	w := catalogtest.Start(t)
	content := catalogtest.Content(10000, 1)
	e := w.Library.Add("a.mp4", content)
	w.Shares.Set()
	w.Serve(t)
	x := openSession(t, w.Alice.Conn(t), w.Alice.Key, w.Alice.Key, e, 4096)
	expectCode(t, x.fetch([2]int64{0, 3}), api.CodeOK)
	got := make([][]byte, 3)
	for range 3 {
		f := x.frame()
		got[f.Index] = f.Plain
	}
	if !bytes.Equal(bytes.Join(got, nil), content) {
		t.Fatal("another file")
	}
}

func TestSessionsAreLimitedExpireAndClose(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(100<<10, 1))
	s, _ := w.Serve(t, func(c *server.Config) {
		c.Limits.CallerSessions, c.Limits.Pending, c.Limits.Idle = 2, 10, 300*time.Millisecond
	})
	nc := w.Bob.Conn(t)
	a, b := openSession(t, nc, w.Alice.Key, w.Bob.Key, e, 4096), openSession(t, nc, w.Alice.Key, w.Bob.Key, e, 4096)
	key, _ := seal.NewKey()
	q := catalog.DownloadRequest{Hash: e.Hash, Target: key.Public(), Protocol: 2}
	expectCode(t, catalogtest.Ask(t, nc, subject(events.VerbDownload), q), api.CodeTooMany)

	if a.reply.Session == b.reply.Session || a.reply.Sender == b.reply.Sender {
		t.Fatal("two sessions have something in common")
	}
	expectCode(t, catalogtest.Ask(t, w.Alice.Conn(t), subject(events.VerbFetch), catalog.FetchRequest{Session: a.reply.Session}), api.CodeNotFound)
	for name, chunks := range map[string][2]int64{
		"beyond the end": {25, 1}, "over the end": {24, 2}, "negative": {-1, 1}, "none": {0, 0}, "overflow": {1, 1<<63 - 1},
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
	expectCode(t, catalogtest.Ask(t, nc, subject(events.VerbClose), catalog.CloseRequest{Session: a.reply.Session}), api.CodeOK)
	expectCode(t, a.fetch([2]int64{0, 1}), api.CodeNotFound)
	if f := b.frame(); f.Kind != seal.KindEnd || f.End.Code != 404 { // unused for too long
		t.Fatalf("%+v", f)
	}
	expectCode(t, b.fetch([2]int64{0, 1}), api.CodeNotFound)
	if n := s.Stats().Sessions; n != 0 || w.Library.Open() != 0 {
		t.Fatal(n, w.Library.Open())
	}
	openSession(t, nc, w.Alice.Key, w.Bob.Key, e, 4096)
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
			defer lib.Close()
			if _, err := lib.Scan(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, stop := w.Serve(t, func(c *server.Config) { c.Catalogs = []server.Library{server.Local(lib)} })
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

func TestAPanicCostsOnlyItsRequest(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(10000, 1))
	w.Serve(t)
	x := openSession(t, w.Bob.Conn(t), w.Alice.Key, w.Bob.Key, e, 4096)
	w.Library.OnRead(e.Hash, func(int64) error { panic("the disk is on fire") })
	expectCode(t, x.fetch([2]int64{0, 1}), api.CodeOK)
	if f := x.frame(); f.Kind != seal.KindEnd || f.End.Code != 500 || strings.Contains(f.End.Error, "fire") {
		t.Fatalf("%+v", f)
	}
	expectCode(t, catalogtest.Ask(t, w.Bob.Conn(t), subject(events.VerbGet), nil), api.CodeOK)
}

func TestTheServerSaysThatItIsThere(t *testing.T) {
	w := catalogtest.Start(t)
	nc := w.Alice.Conn(t)
	sub := func(subject string) *nats.Subscription {
		s, err := nc.SubscribeSync(subject)
		if err == nil {
			err = nc.Flush()
		}
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	local, offline := sub(events.LocalHeartbeat), sub(events.LocalOffline)
	admin, err := w.Admin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	global, err := admin.SubscribeSync(api.PutHeartbeat.Service())
	if err == nil {
		err = admin.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	expect := func(s *nats.Subscription, revision int64) {
		t.Helper()
		var h api.Heartbeat
		for h.Catalog != films { // the world's own hub may be there too
			m, err := s.NextMsg(catalogtest.Patience)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(m.Data, &h); err != nil {
				t.Fatal(err)
			}
		}
		if h != (api.Heartbeat{Catalog: films, Account: w.Alice.Key, Revision: revision}) {
			t.Fatalf("%+v", h)
		}
	}
	_, stop := w.Serve(t)
	first := w.Library.Revision()
	expect(local, first)
	expect(global, first)
	w.Library.Add("a.mp4", nil)
	expect(local, first+1)
	expect(global, first+1)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	expect(offline, first+1)
}

func TestTheInboxHasWhatIsNotImportedYet(t *testing.T) {
	w := catalogtest.Start(t)
	music, _ := events.ParseCatalog("music")
	photos, _ := events.ParseCatalog("photos")
	w.Shares.Set(
		api.Share{From: w.Alice.Key, To: w.Bob.Key, Catalog: films},
		api.Share{From: w.Bob.Key, To: w.Alice.Key, Catalog: music, Online: true, Revision: 3},
		api.Share{From: w.Bob.Key, To: w.Alice.Key, Catalog: photos, Imported: true},
	)
	w.Serve(t)
	env := catalogtest.Ask(t, w.Alice.Conn(t), events.LocalInbox, nil)
	expectCode(t, env, api.CodeOK)
	var a catalog.InboxReply
	if err := json.Unmarshal(env.Data, &a); err != nil {
		t.Fatal(err)
	}
	if a.Catalog != films || a.Account != w.Alice.Key || len(a.Shares) != 1 || a.Shares[0].Catalog != music || !a.Shares[0].Online {
		t.Fatalf("%+v", a)
	}
}

func TestAListingThatFitsNoMessageComesInPages(t *testing.T) {
	w := catalogtest.Start(t)
	for i := range 4000 {
		e := catalog.Entry{Path: fmt.Sprintf("%s/%04d", strings.Repeat("d", 200), i), MIMEType: "video/mp4", Size: 1, Hash: events.Hash{byte(i), byte(i >> 8), 1}}
		w.Library.AddEntry(e, nil)
	}
	w.Serve(t)
	nc := w.Bob.Conn(t)
	expectCode(t, catalogtest.Ask(t, nc, subject(events.VerbGet), nil), api.CodeInternal)
	seen, pages := 0, 0
	for q := (catalog.GetRequest{Page: true}); pages == 0 || q.After != ""; pages++ {
		env := catalogtest.Ask(t, nc, subject(events.VerbGet), q)
		expectCode(t, env, api.CodeOK)
		var a catalog.GetReply
		if err := json.Unmarshal(env.Data, &a); err != nil {
			t.Fatal(err)
		}
		if a.Total != 4000 || a.Revision != w.Library.Revision() {
			t.Fatalf("%+v", a)
		}
		seen += len(a.Entries)
		q.After = a.Next
	}
	if seen != 4000 || pages < 2 {
		t.Fatal(seen, pages)
	}
}

func TestAnExistingClientDownloads(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	for _, size := range []int{0, 1, 4095, 4096, 4097, 700_000} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			content := catalogtest.Content(size, 1)
			e := w.Library.Add(strconv.Itoa(size)+".mp4", content)
			nc := w.Bob.Conn(t)
			sub, err := nc.SubscribeSync("natster.media.films." + e.Hash.String())
			if err != nil {
				t.Fatal(err)
			}
			key, _ := seal.NewKey()
			env := catalogtest.Ask(t, nc, "natster.catalog.films.download",
				[]byte(`{"hash":"`+e.Hash.String()+`","transcode":false,"target_xkey":"`+key.Public()+`"}`))
			expectCode(t, env, api.CodeOK)
			var a struct {
				Acknowledged bool   `json:"acknowledged"`
				ChunkSize    int    `json:"chunk_size"`
				TotalChunks  int    `json:"total_chunks"`
				Sender       string `json:"sender_xkey"`
				TotalBytes   int    `json:"total_bytes"`
			}
			if err := json.Unmarshal(env.Data, &a); err != nil {
				t.Fatal(err)
			}
			if !a.Acknowledged || a.ChunkSize != 4096 || a.TotalChunks != max(1, (size+4095)/4096) || a.TotalBytes != size {
				t.Fatalf("%+v", a)
			}
			if bytes.Contains(env.Data, []byte("protocol")) || bytes.Contains(env.Data, []byte("session")) {
				t.Fatalf("an existing client is shown protocol 2: %s", env.Data)
			}
			var got []byte
			for i := range a.TotalChunks {
				m, err := sub.NextMsg(catalogtest.Patience)
				if err != nil {
					t.Fatal(err)
				}
				if m.Header.Get("x-natster-chunk-idx") != strconv.Itoa(i) || m.Header.Get("x-natster-total-chunks") != strconv.Itoa(a.TotalChunks) ||
					m.Header.Get("x-natster-sender-xkey") != a.Sender || m.Header.Get("x-natster-transcoding") != "" {
					t.Fatalf("chunk %d: %v", i, m.Header)
				}
				plain, err := seal.Open1(m.Data, key, a.Sender)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, plain...)
			}
			if !bytes.Equal(got, content) {
				t.Fatal("another file")
			}
		})
	}
}

func TestAnUnshareStopsAPush(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(1<<20, 1))
	s, _ := w.Serve(t, func(c *server.Config) { c.Limits.Pushes = 1 })
	nc := w.Bob.Conn(t)
	reading, goOn := make(chan struct{}), make(chan struct{})
	w.Library.OnRead(e.Hash, func(off int64) error {
		if off > 0 {
			close(reading)
			<-goOn
		}
		return nil
	})
	key, _ := seal.NewKey()
	q := catalog.DownloadRequest{Hash: e.Hash, Target: key.Public()}
	expectCode(t, catalogtest.Ask(t, nc, subject(events.VerbDownload), q), api.CodeOK)
	<-reading
	expectCode(t, catalogtest.Ask(t, nc, subject(events.VerbDownload), q), api.CodeTooMany)
	sent := s.Stats().Bytes
	w.Shares.Set()
	w.Tell(t, events.FeedUnshared, 1)
	catalogtest.Eventually(t, "bob is refused", func() bool {
		return catalogtest.Ask(t, nc, subject(events.VerbGet), nil).Code == api.CodeForbidden
	})
	close(goOn)
	catalogtest.Eventually(t, "the push ends", func() bool { return s.Stats().Pushes == 0 })
	if s.Stats().Bytes != sent || w.Library.Open() != 0 {
		t.Fatalf("%d bytes after the share was taken back", s.Stats().Bytes-sent)
	}
}

func TestNothingRunsAfterRun(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(1<<20, 1))
	_, stop := w.Serve(t)
	x := openSession(t, w.Bob.Conn(t), w.Alice.Key, w.Bob.Key, e, 4096)
	expectCode(t, x.fetch([2]int64{0, 200}), api.CodeOK)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if w.Library.Open() != 0 {
		t.Fatal("a file is still open")
	}
	for {
		if f := x.frame(); f.Kind == seal.KindEnd {
			if f.End.Code != 404 {
				t.Fatalf("%+v", f)
			}
			break
		}
	}
	if _, err := w.Bob.Conn(t).Request(subject(events.VerbGet), nil, catalogtest.Patience); !errors.Is(err, nats.ErrNoResponders) {
		t.Fatal(err)
	}
}

func TestAServerWithoutWhatItNeedsIsRefused(t *testing.T) {
	w := catalogtest.Start(t)
	good := server.Config{Conn: w.Alice.Conn(t), Account: w.Alice.Key, Catalogs: []server.Library{w.Library}, Shares: w.Shares}
	for name, change := range map[string]func(*server.Config){
		"no connection": func(c *server.Config) { c.Conn = nil }, "no account": func(c *server.Config) { c.Account = events.Account{} },
		"no catalog": func(c *server.Config) { c.Catalogs = nil }, "no shares": func(c *server.Config) { c.Shares = nil },
		"a catalog twice": func(c *server.Config) { c.Catalogs = append(c.Catalogs, w.Library) },
	} {
		c := good
		change(&c)
		if _, err := server.New(c); err == nil {
			t.Error(name)
		}
	}
	c := good
	c.Conn = w.Alice.Connect(t)
	s, err := server.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(context.Background()) }()
	<-s.Ready()
	c.Conn.Close()
	if err := <-ended; err == nil {
		t.Fatal("served without a connection")
	}
}

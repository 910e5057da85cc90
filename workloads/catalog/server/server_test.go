package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/internal/test/catalogtest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
	"natster/workloads/catalog"
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
		Session: x.reply.Session, Catalog: films, Hash: e.Hash, Owner: owner, Receiver: me, Sender: x.reply.Sender,
		Layout: seal.Layout{Size: e.Size, ChunkSize: x.reply.ChunkSize},
	})
	if err != nil {
		t.Fatal(err)
	}
	if x.r, err = seal.NewReceiver(h); err != nil {
		t.Fatal(err)
	}
	if x.frames, err = nc.SubscribeSync(events.MediaSubject(events.Account{}, films, x.reply.Session)); err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func (x *receiver) fetch(chunks ...[2]int64) api.Envelope {
	x.t.Helper()
	q := catalog.FetchRequest{Session: x.reply.Session, Chunks: chunks}
	return catalogtest.Ask(x.t, x.nc, subject(events.VerbFetch), q)
}

func (x *receiver) frame() seal.Frame {
	x.t.Helper()
	m := wait.Message(x.t, x.frames)
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
	nothing := catalog.FetchRequest{Session: "nothing"}
	expectCode(t, catalogtest.Ask(t, w.Bob.Conn(t), subject(events.VerbFetch), nothing), api.CodeNotFound)
	expectCode(t, catalogtest.Ask(t, w.Bob.Conn(t), subject(events.VerbClose), nothing), api.CodeOK)
	expectCode(t, catalogtest.Ask(t, w.Alice.Conn(t), events.LocalInbox, []byte("garbage")), api.CodeOK)
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

func TestAListingThatFitsNoMessageComesInPages(t *testing.T) {
	w := catalogtest.Start(t)
	for i := range 4000 {
		w.Library.AddEntry(catalog.Entry{
			Path: fmt.Sprintf("%s/%04d", strings.Repeat("d", 200), i), MIMEType: "video/mp4", Size: 1,
			Hash: events.Hash{byte(i), byte(i >> 8), 1},
		}, nil)
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
	_, err := w.Bob.Conn(t).Request(subject(events.VerbGet), nil, wait.Patience)
	if !errors.Is(err, nats.ErrNoResponders) {
		t.Fatal(err)
	}
}

// Stopped while it starts, a server has not failed.
func TestAServerThatIsStoppedAtItsStartReturnsNoError(t *testing.T) {
	w := catalogtest.Start(t)
	ctx, stop := context.WithCancel(t.Context())
	err := server.Serve(ctx, server.Config{
		Conn: w.Alice.Conn(t), Account: w.Alice.Key, Catalogs: []server.Library{w.Library},
		Shares: stopping{w.Shares, stop},
	}, func(*server.Server) {})
	if err != nil {
		t.Fatal(err)
	}
}

// stopping are shares whose first look stops the server.
type stopping struct {
	shares server.Shares
	stop   func()
}

func (s stopping) Observe(position uint64) { s.shares.Observe(position) }
func (s stopping) Shares(ctx context.Context) ([]api.Share, error) {
	s.stop()
	return s.shares.Shares(ctx)
}

func TestAServerWithoutWhatItNeedsIsRefused(t *testing.T) {
	w := catalogtest.Start(t)
	good := server.Config{
		Conn: w.Alice.Conn(t), Account: w.Alice.Key, Catalogs: []server.Library{w.Library}, Shares: w.Shares,
	}
	for name, change := range map[string]func(*server.Config){
		"no connection":   func(c *server.Config) { c.Conn = nil },
		"no account":      func(c *server.Config) { c.Account = events.Account{} },
		"no catalog":      func(c *server.Config) { c.Catalogs = nil },
		"no shares":       func(c *server.Config) { c.Shares = nil },
		"a catalog twice": func(c *server.Config) { c.Catalogs = append(c.Catalogs, w.Library) },
	} {
		c := good
		change(&c)
		if err := server.Serve(t.Context(), c, nil); err == nil {
			t.Error(name)
		}
	}
	heard, err := w.Alice.Conn(t).SubscribeSync(events.LocalOffline)
	if err != nil {
		t.Fatal(err)
	}
	twice := good
	twice.Catalogs = []server.Library{w.Library, w.Library}
	if err := server.Serve(t.Context(), twice, nil); err == nil {
		t.Error("a catalog twice, again")
	}
	if err := w.Alice.Conn(t).Flush(); err != nil {
		t.Fatal(err)
	}
	if n, _, _ := heard.Pending(); n > 0 {
		t.Errorf("a server that is refused said %d times that its catalog is offline", n)
	}
	c := good
	c.Conn = w.Alice.Connect(t)
	ready, ended := make(chan bool), make(chan error, 1)
	go func() { ended <- server.Serve(context.Background(), c, func(*server.Server) { close(ready) }) }()
	<-ready
	c.Conn.Close()
	if err := <-ended; err == nil {
		t.Fatal("served without a connection")
	}
}

func TestTheOwnerHearsWhoReadsWhat(t *testing.T) {
	w := catalogtest.Start(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(100, 1))
	heard := make(chan server.Activity, 10)
	w.Serve(t, func(c *server.Config) { c.Observe = func(a server.Activity) { heard <- a } })
	nc := w.Bob.Conn(t)
	expectCode(t, catalogtest.Ask(t, nc, subject(events.VerbGet), nil), api.CodeOK)
	next := catalog.GetRequest{Page: true, After: "a"}
	expectCode(t, catalogtest.Ask(t, nc, subject(events.VerbGet), next), api.CodeOK)
	openSession(t, nc, w.Alice.Key, w.Bob.Key, e, 0)
	for _, want := range []server.Activity{
		{Caller: w.Bob.Key, Catalog: films, Verb: "get"},
		{Caller: w.Bob.Key, Catalog: films, Verb: "download", Hash: e.Hash, Size: 100},
	} {
		if got := <-heard; got != want {
			t.Fatalf("%+v, want %+v", got, want)
		}
	}
}

// Who does not say that it understands a compressed listing gets it in plain, whoever asked before.
func TestAListingIsCompressedForWhoAcceptsIt(t *testing.T) {
	w := catalogtest.Start(t)
	ask := func(q catalog.GetRequest) (sent, plain catalog.GetReply) {
		t.Helper()
		env := catalogtest.Ask(t, w.Bob.Conn(t), subject(events.VerbGet), q)
		expectCode(t, env, api.CodeOK)
		if err := json.Unmarshal(env.Data, &sent); err != nil {
			t.Fatal(err)
		}
		plain, err := sent.Plain()
		if err != nil {
			t.Fatal(err)
		}
		return sent, plain
	}
	accepts := catalog.GetRequest{Page: true, Accept: catalog.Gzip}
	w.Serve(t)
	if sent, _ := ask(accepts); len(sent.Gzip) != 0 {
		t.Errorf("a listing that is no shorter is compressed: %d bytes", len(sent.Gzip))
	}
	for i := range 500 {
		w.Library.AddEntry(catalog.Entry{
			Path: fmt.Sprintf("films/of/%04d", i), MIMEType: "video/mp4", Size: 1,
			Hash: events.Hash{byte(i), byte(i >> 8), 1},
		}, nil)
	}
	asks := []catalog.GetRequest{{}, {Page: true}, accepts, {Accept: catalog.Gzip}, {Page: true, Accept: "br"}}
	for range 2 { // then it is kept
		for _, q := range asks {
			sent, plain := ask(q)
			got, want := len(sent.Gzip) != 0, q.Accept == catalog.Gzip
			if got != want || got == (len(sent.Entries) != 0) {
				t.Errorf("%+v: compressed %t, want %t, with %d entries beside it", q, got, want, len(sent.Entries))
			}
			if len(plain.Entries) != 500 || plain.Name != films {
				t.Errorf("%+v: %d entries of %s", q, len(plain.Entries), plain.Name)
			}
		}
	}
}

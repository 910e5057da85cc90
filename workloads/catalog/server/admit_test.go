package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

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

// withCarol is a world in which films are shared with carol, too.
func withCarol(t *testing.T) (w *catalogtest.World, carol *worldtest.Account) {
	t.Helper()
	w = catalogtest.Start(t)
	carol = w.Account("carol")
	w.Import(carol, films, w.Alice)
	w.Shares.Set(api.Share{From: w.Alice.Key, To: w.Bob.Key, Catalog: films},
		api.Share{From: w.Alice.Key, To: carol.Key, Catalog: films})
	return w, carol
}

// refusedLater sends to the channel for each answer on the inbox that says when to come back.
func refusedLater(t *testing.T, nc *nats.Conn) (inbox string, told <-chan struct{}) {
	t.Helper()
	inbox, c := nc.NewInbox(), make(chan struct{}, 1)
	_, err := nc.Subscribe(inbox, func(m *nats.Msg) {
		var e api.Envelope
		if err := json.Unmarshal(m.Data, &e); err != nil {
			t.Errorf("%q: %v", m.Data, err)
		}
		if e.Code != api.CodeTooMany {
			return
		}
		ms, err := strconv.Atoi(m.Header.Get(api.HeaderRetryAfter))
		if err != nil || ms <= 0 || !strings.Contains(e.Error, "try again in") {
			t.Errorf("a refusal does not say when to come back: %v %q", m.Header, e.Error)
		}
		select {
		case c <- struct{}{}:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return inbox, c
}

// Bob asks for everything, without end; carol, who lists and downloads meanwhile, is answered each time.
func TestAnAccountThatFloodsACatalogKeepsOutNobodyElse(t *testing.T) {
	w, carol := withCarol(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(100<<10, 1))
	w.Serve(t)
	nc := w.Bob.Connect(t)
	bobs := openSession(t, w.Bob.Conn(t), w.Alice.Key, w.Bob.Key, e, 4096)
	key, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	padded := func(v any, n int) []byte { // what is longer counts as more
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return append(b, strings.Repeat(" ", n)...)
	}
	bodies := map[string][]byte{
		events.VerbGet: nil,
		events.VerbDownload: padded(
			catalog.DownloadRequest{Hash: e.Hash, Target: key.Public(), Protocol: catalog.Protocol2}, 6<<10),
		events.VerbFetch: padded(catalog.FetchRequest{Session: bobs.reply.Session, Chunks: [][2]int64{{0, 1}}}, 2<<10),
		events.VerbClose: padded(catalog.CloseRequest{Session: "another"}, 2<<10),
		catalog.AtInstance(events.VerbFetch, bobs.reply.Instance): padded(catalog.FetchRequest{}, 2<<10),
		catalog.AtInstance(events.VerbClose, bobs.reply.Instance): padded(catalog.CloseRequest{}, 2<<10),
	}
	told := make(map[string]<-chan struct{})
	inboxes := make(map[string]string)
	for verb := range bodies {
		inboxes[verb], told[verb] = refusedLater(t, nc)
	}
	ctx, stop := context.WithCancel(t.Context())
	var flood sync.WaitGroup
	defer flood.Wait()
	defer stop()
	flood.Go(func() {
		for round := 0; ctx.Err() == nil; round++ {
			for verb, body := range bodies {
				if err := nc.PublishRequest(subject(verb), inboxes[verb], body); err != nil {
					t.Errorf("bob is cut off: %v", err)
					return
				}
			}
			if round%20 == 0 { // so that what waits at alice's connection is what her server can read
				body := bodies[events.VerbClose]
				_, err := nc.Request(subject(events.VerbClose), body, 100*time.Millisecond)
				if errors.Is(err, nats.ErrConnectionClosed) {
					t.Errorf("bob is cut off: %v", err)
					return
				}
			}
		}
	})
	visit := func() {
		t.Helper()
		expectCode(t, catalogtest.Ask(t, carol.Conn(t), subject(events.VerbGet), nil), api.CodeOK)
		x := openSession(t, carol.Conn(t), w.Alice.Key, carol.Key, e, 4096)
		expectCode(t, x.fetch([2]int64{0, 2}), api.CodeOK)
		for range 2 {
			x.frame()
		}
		q := catalog.CloseRequest{Session: x.reply.Session}
		expectCode(t, catalogtest.Ask(t, x.nc, subject(events.VerbClose), q), api.CodeOK)
	}
	for range 20 {
		visit()
	}
	wait.Receive(t, "bob is told to come back", told[events.VerbGet])
	visit()
}

// hanging is a library of which one file hangs when it is opened, as on a disk that does not answer.
type hanging struct {
	*catalogtest.Library
	hash events.Hash
	hold chan struct{}
}

func (l hanging) OpenFile(h events.Hash) (catalog.File, error) {
	if h == l.hash {
		<-l.hold
	}
	return l.Library.OpenFile(h)
}

// Bob's downloads hang, as many as he asks for. Only a few are being opened, some wait, and of the others he is told at
// once when to come back; carol lists and downloads meanwhile. In the end all of bob's are answered.
func TestDownloadsThatHangHoldUpNobodyElse(t *testing.T) {
	w, carol := withCarol(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(100<<10, 1))
	hangs := w.Library.Add("b.mp4", catalogtest.Content(100, 2))
	hold := make(chan struct{})
	release := sync.OnceFunc(func() { close(hold) })
	w.Serve(t, func(c *server.Config) { c.Catalogs = []server.Library{hanging{w.Library, hangs.Hash, hold}} })
	defer release() // before the server stops
	nc := w.Bob.Connect(t)
	key, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(catalog.DownloadRequest{Hash: hangs.Hash, Target: key.Public(), Protocol: 2})
	if err != nil {
		t.Fatal(err)
	}
	const n = 400
	inbox := nc.NewInbox()
	answers, err := nc.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if err := nc.PublishRequest(subject(events.VerbDownload), inbox, body); err != nil {
			t.Fatal(err)
		}
	}
	const waits = 4 + 256 // are being opened, and wait for that
	for range n - waits {
		var a api.Envelope
		if err := json.Unmarshal(wait.Message(t, answers).Data, &a); err != nil || a.Code != api.CodeTooMany {
			t.Fatalf("%d %s, %v; want a refusal", a.Code, a.Error, err)
		}
	}
	expectCode(t, catalogtest.Ask(t, carol.Conn(t), subject(events.VerbGet), nil), api.CodeOK)
	x := openSession(t, carol.Conn(t), w.Alice.Key, carol.Key, e, 4096)
	expectCode(t, x.fetch([2]int64{0, 1}), api.CodeOK)
	x.frame()
	expectCode(t, catalogtest.Ask(t, w.Alice.Conn(t), subject(events.VerbGet), nil), api.CodeOK)
	release()
	for range waits {
		wait.Message(t, answers)
	}
}

// An account that asks for listings without end is refused, and told when to come back; others are not.
func TestAnAccountThatAsksForListingsWithoutEndIsRefused(t *testing.T) {
	w := catalogtest.Start(t)
	carol := w.Account("carol")
	w.Import(carol, films, w.Alice)
	w.Shares.Set(api.Share{From: w.Alice.Key, To: w.Bob.Key, Catalog: films},
		api.Share{From: w.Alice.Key, To: carol.Key, Catalog: films})
	w.Serve(t)
	nc := w.Bob.Conn(t)
	for n := 0; ; n++ {
		e := catalogtest.Ask(t, nc, subject(events.VerbGet), nil)
		if e.Code == api.CodeOK && n < 100_000 {
			continue
		}
		expectCode(t, e, api.CodeTooMany)
		if n < 400 || !strings.HasSuffix(e.Error, "try again in 1 s") {
			t.Errorf("after %d listings: %s", n, e.Error)
		}
		break
	}
	expectCode(t, catalogtest.Ask(t, carol.Conn(t), subject(events.VerbGet), nil), api.CodeOK)
	for range 500 {
		expectCode(t, catalogtest.Ask(t, w.Alice.Conn(t), subject(events.VerbGet), nil), api.CodeOK)
	}
}

// Bob's listing was admitted and waits behind downloads of his that hang; meanwhile the share is taken back.
func TestWhatWaitsWhenTheShareIsTakenBackIsRefused(t *testing.T) {
	w, carol := withCarol(t)
	hangs := w.Library.Add("b.mp4", catalogtest.Content(100, 2))
	hold := make(chan struct{})
	release := sync.OnceFunc(func() { close(hold) })
	w.Serve(t, func(c *server.Config) { c.Catalogs = []server.Library{hanging{w.Library, hangs.Hash, hold}} })
	defer release() // before the server stops
	nc := w.Bob.Connect(t)
	key, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(catalog.DownloadRequest{Hash: hangs.Hash, Target: key.Public(), Protocol: 2})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(verb string, body []byte, times int) *nats.Subscription {
		t.Helper()
		inbox := nc.NewInbox()
		answers, err := nc.SubscribeSync(inbox)
		for range times {
			err = errors.Join(err, nc.PublishRequest(subject(verb), inbox, body))
		}
		if err = errors.Join(err, nc.Flush()); err != nil {
			t.Fatal(err)
		}
		return answers
	}
	ask(events.VerbDownload, body, 4) // as many as are handled at a time
	// Carol's stand behind bob's: when they are answered, his are admitted.
	unknown := catalog.DownloadRequest{Hash: events.Hash{1}, Target: key.Public(), Protocol: 2}
	expectCode(t, catalogtest.Ask(t, carol.Conn(t), subject(events.VerbDownload), unknown), api.CodeNotFound)
	listing := ask(events.VerbGet, nil, 1)
	expectCode(t, catalogtest.Ask(t, carol.Conn(t), subject(events.VerbGet), nil), api.CodeOK)
	unshare := catalog.UnshareRequest{Catalog: films, Target: w.Bob.Key}
	expectCode(t, catalogtest.Ask(t, w.Alice.Conn(t), events.LocalUnshare, unshare), api.CodeOK)
	release()
	var a api.Envelope
	if err := json.Unmarshal(wait.Message(t, listing).Data, &a); err != nil {
		t.Fatal(err)
	}
	expectCode(t, a, api.CodeForbidden)
}

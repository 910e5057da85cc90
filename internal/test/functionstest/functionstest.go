// Package functionstest runs single functions of a test in a real world: real accounts and imports, and each function
// under a user that may do what its declaration says and nothing else. What the functions under test need from others,
// events and projected documents, the test puts there itself.
//
//	b := functionstest.Start(t, presence.New())
//	err := b.Client("alice").Heartbeat(h)
package functionstest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"natster/deploy/accounts"
	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
	"natster/internal/jet"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
)

// A Bench is a world with the functions under test in it. What fails in it fails the test.
type Bench struct {
	*worldtest.World
	Admin *nats.Conn // of the account that owns JetStream, with every right
	JS    jetstream.JetStream
	Views *view.Reader
	Log   *events.Log

	t     testing.TB
	clock struct {
		sync.Mutex
		ahead time.Duration
	}
	running []functions.Function
	halts   map[string][]func() // of the instances of each function
	mu      sync.Mutex
	clients map[string]*api.Client
}

// Start starts a world that runs fns only.
func Start(t testing.TB, fns ...functions.Function) *Bench {
	t.Helper()
	b := Bare(t)
	b.Run(fns...)
	return b
}

// Bare starts a world without functions: for functions whose configuration names the world's accounts. See [Bench.Run].
func Bare(t testing.TB) *Bench {
	t.Helper()
	b := &Bench{t: t, clients: make(map[string]*api.Client), halts: make(map[string][]func())}
	b.World = worldtest.Start(t, worldtest.Bare)
	b.Admin = b.must(b.World.Admin(t.Context()))
	t.Cleanup(b.Admin.Close)
	host, err := functions.Open(b.Admin, jet.Own)
	if err != nil {
		t.Fatal(err)
	}
	b.JS, b.Views, b.Log = host.JS, host.Views, host.Log
	return b
}

// Run provisions fns and runs each in its own account until the test ends, beside those that run already.
func (b *Bench) Run(fns ...functions.Function) {
	b.t.Helper()
	for _, f := range fns { // of several instances of a function the declaration counts once
		b.running = slices.DeleteFunc(b.running, func(g functions.Function) bool { return g.Name == f.Name })
		b.running = append(b.running, f)
	}
	if err := functions.Provision(b.t.Context(), b.JS, 1, fns...); err != nil {
		b.t.Fatal(err)
	}
	creds, err := b.Keeper().Functions(b.t.Context(), b.running)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range fns {
		b.run(f, creds[f.Name])
	}
}

func (b *Bench) run(f functions.Function, creds accounts.Creds) {
	b.t.Helper()
	nc := b.must(b.ConnectAs(b.t.Context(), creds, nats.CustomInboxPrefix(f.InboxPrefix()),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { b.t.Errorf("%s: %v", f.Name, err) })))
	r, err := functions.NewRunner(f, functions.Config{Conn: nc, Logger: b.Config().Logger, Now: b.now,
		Backoff: func(int) time.Duration { return 10 * time.Millisecond }})
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	halt := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			b.t.Errorf("%s: %v", f.Name, err)
		}
		nc.Close()
	})
	b.t.Cleanup(halt)
	b.halts[f.Name] = append(b.halts[f.Name], halt)
	select {
	case <-r.Ready():
	case err := <-ended:
		ended <- nil
		b.t.Fatalf("%s: %v", f.Name, err)
	}
}

// Halt stops all instances of a function.
func (b *Bench) Halt(name string) {
	for _, halt := range b.halts[name] {
		halt()
	}
	delete(b.halts, name)
}

// Handler makes a handler of a func that needs no instance.
func Handler[Q, A any](
	h func(context.Context, *functions.Call, Q) (A, error),
) func(functions.Instance, context.Context, *functions.Call, Q) (A, error) {
	return func(_ functions.Instance, ctx context.Context, c *functions.Call, q Q) (A, error) {
		return h(ctx, c, q)
	}
}

// Advance makes the functions' clock run ahead by d more.
func (b *Bench) Advance(d time.Duration) {
	b.clock.Lock()
	defer b.clock.Unlock()
	b.clock.ahead += d
}

func (b *Bench) now() time.Time {
	b.clock.Lock()
	defer b.clock.Unlock()
	return time.Now().Add(b.clock.ahead)
}

// Key is the key of the account called name.
func (b *Bench) Key(name string) events.Account { b.t.Helper(); return b.Account(name).Key }

// Client is a client of the account called name, always the same.
func (b *Bench) Client(name string) *api.Client {
	b.t.Helper()
	nc := b.Account(name).Conn(b.t)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.clients[name] == nil {
		b.clients[name] = api.NewClient(nc)
	}
	return b.clients[name]
}

// SiteClient is a client of the website's account.
func (b *Bench) SiteClient() *api.Client {
	b.t.Helper()
	nc := b.must(b.Site(b.t.Context()))
	b.t.Cleanup(nc.Close)
	return api.NewClient(nc)
}

// Project writes documents of a projection, by key, as its projector would on reaching position.
func (b *Bench) Project(bucket view.Bucket, generation, position uint64, docs map[string]any) {
	b.t.Helper()
	put := func(key string, value any) jetstream.PubAckFuture {
		data, err := json.Marshal(value)
		if err != nil {
			b.t.Fatal(err)
		}
		ack, err := b.JS.PublishAsync(bucket.Subject(key), data, jetstream.WithStallWait(wait.Patience))
		if err != nil {
			b.t.Fatal(err)
		}
		return ack
	}
	var acks []jetstream.PubAckFuture
	for key, doc := range docs {
		acks = append(acks, put(view.DocKey(generation, key), view.Stored[any]{Position: position, Doc: doc}))
	}
	acks = append(acks, put(bucket.CheckpointKey(), view.Checkpoint{Generation: generation, Position: position}))
	for _, ack := range acks {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			b.t.Fatal(err)
		case <-time.After(wait.Patience):
			b.t.Fatalf("bucket %s does not answer", bucket.Name)
		}
	}
}

// ProjectShares writes shares as the shares projector would on reaching position.
func (b *Bench) ProjectShares(generation, position uint64, shares ...view.Share) {
	b.t.Helper()
	docs := make(map[string]any)
	for _, s := range shares {
		docs[view.ShareByKey(s.From, s.Catalog, s.To)] = s
		docs[view.ShareToKey(s.To, s.From, s.Catalog)] = s
	}
	b.Project(view.Shares, generation, position, docs)
}

// Happens appends an event to the log and returns its position.
func (b *Bench) Happens(e events.Event) uint64 {
	b.t.Helper()
	e.ID, e.Time = nuid.Next(), b.now().UTC()
	m, err := events.Encode(e)
	if err != nil {
		b.t.Fatal(err)
	}
	ack, err := b.JS.PublishMsg(b.t.Context(), m)
	if err != nil {
		b.t.Fatal(err)
	}
	return ack.Sequence
}

// A Written is one request that another function made of eventwriter.
type Written struct {
	Origin events.Account
	Type   events.Type
	api.PutRequest
}

// Writer stands in for eventwriter: it answers other functions with what decide says. Positions count from 1.
func (b *Bench) Writer(decide func(Written) error) {
	b.t.Helper()
	var position atomic.Uint64
	b.Run(functions.Function{
		Name: "eventwriter",
		Doc:  "stands in for eventwriter",
		Triggers: []functions.Trigger{functions.Request(api.PutInternal("*", "*"), Handler(
			func(_ context.Context, c *functions.Call, q api.PutRequest) (api.PutReply, error) {
				token := strings.Split(c.Subject, ".")
				w := Written{Type: events.Type(token[4]), PutRequest: q}
				var err error
				if w.Origin, err = events.ParseAccount(token[3]); err == nil {
					err = decide(w)
				}
				if err == nil {
					c.Reflects(position.Add(1))
				}
				return api.PutReply{}, err
			}))},
	})
}

// Ask sends body as it is, and returns the envelope of the answer.
func (b *Bench) Ask(nc *nats.Conn, subject string, body []byte, header ...string) api.Envelope {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), wait.Patience)
	defer cancel()
	m := &nats.Msg{Subject: subject, Data: body, Header: nats.Header{}}
	for i := 0; i+1 < len(header); i += 2 {
		m.Header.Set(header[i], header[i+1])
	}
	r, err := nc.RequestMsgWithContext(ctx, m)
	if err != nil {
		b.t.Fatalf("%s: %v", subject, err)
	}
	var e api.Envelope
	if err := json.Unmarshal(r.Data, &e); err != nil {
		b.t.Fatalf("%s: %v: %s", subject, err, r.Data)
	}
	return e
}

// BadBodies are requests that no endpoint with a JSON body can read.
func BadBodies() map[string][]byte {
	return map[string][]byte{
		"empty":         {},
		"not JSON":      []byte("hello"),
		"binary":        {0, 0xff, 0xfe},
		"truncated":     []byte(`{"catalog":"films","account_`),
		"wrong type":    []byte(`[1,2,3]`),
		"a number":      []byte(`7`),
		"deeply nested": []byte(strings.Repeat(`{"a":`, 12000)),
		"deep arrays":   []byte(strings.Repeat(`[`, 60000)),
		"oversized":     []byte(`{"catalog":"` + strings.Repeat("x", 64<<10) + `"}`),
		"two values":    []byte(`{}{}`),
	}
}

// Next is the next message of sub; nothing within [wait.Patience] fails the test.
func (b *Bench) Next(sub *nats.Subscription) *nats.Msg {
	b.t.Helper()
	return wait.Message(b.t, sub)
}

// Raw are all messages of a stream as they are stored, subjects and headers included.
func (b *Bench) Raw(stream string) []*jetstream.RawStreamMsg {
	b.t.Helper()
	s, err := b.JS.Stream(b.t.Context(), stream)
	if err != nil {
		b.t.Fatal(err)
	}
	info, err := s.Info(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	var all []*jetstream.RawStreamMsg
	for seq := max(info.State.FirstSeq, 1); seq <= info.State.LastSeq; seq++ {
		m, err := s.GetMsg(b.t.Context(), seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			b.t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

func (b *Bench) must(nc *nats.Conn, err error) *nats.Conn {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	return nc
}

package projection_test

import (
	"context"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/events"
	"natster/functions"
	"natster/functions/projection"
	"natster/functions/view"
	"natster/internal/jet"
	"natster/internal/test/wait"
)

// A ground is a NATS server with a log, and an administrator's connection to it.
type ground struct {
	*testing.T
	server *server.Server
	nc     *nats.Conn
	js     jetstream.JetStream
	direct *jet.Direct
	log    *events.Log
	views  *view.Reader
}

func newGround(t *testing.T) *ground {
	t.Helper()
	g := &ground{T: t}
	g.open(t.TempDir())
	return g
}

// open starts the server over a directory.
func (g *ground) open(dir string) {
	g.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: dir, NoLog: true,
		NoSigs: true})
	if err != nil {
		g.Fatal(err)
	}
	s.Start()
	g.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(wait.Patience) {
		g.Fatal("the server does not start")
	}
	g.server = s
	g.nc = g.connect()
	host, err := functions.Open(g.nc, jet.Own)
	if err != nil {
		g.Fatal(err)
	}
	g.js, g.direct, g.log, g.views = host.JS, host.Direct, host.Log, host.Views
	g.provision()
}

// damaged ends the server, does something to the files of the log in dir, and starts it again.
func (g *ground) damaged(do func(dir string)) {
	g.Helper()
	dir := g.server.StoreDir()
	g.nc.Close()
	g.server.Shutdown()
	g.server.WaitForShutdown()
	do(filepath.Join(dir, "$G", "streams", events.LogStream, "msgs"))
	g.open(strings.TrimSuffix(dir, "/jetstream"))
}

func (g *ground) connect(options ...nats.Option) *nats.Conn {
	g.Helper()
	nc, err := nats.Connect(g.server.ClientURL(), options...)
	if err != nil {
		g.Fatal(err)
	}
	g.Cleanup(nc.Close)
	return nc
}

func (g *ground) context() context.Context {
	ctx, cancel := context.WithTimeout(g.T.Context(), wait.Patience)
	g.Cleanup(cancel)
	return ctx
}

func (g *ground) provision(fns ...functions.Function) {
	g.Helper()
	if err := functions.Provision(g.context(), g.js, 1, fns...); err != nil {
		g.Fatal(err)
	}
}

// happen appends events without conditions and returns the position of the last.
func (g *ground) happen(evs ...events.Event) (position uint64) {
	g.Helper()
	var last jetstream.PubAckFuture
	for _, e := range evs {
		m, err := events.Encode(e)
		if err != nil {
			g.Fatal(err)
		}
		if last, err = g.js.PublishMsgAsync(m, jetstream.WithStallWait(wait.Patience)); err != nil {
			g.Fatal(err)
		}
	}
	select {
	case ack := <-last.Ok():
		return ack.Sequence
	case err := <-last.Err():
		g.Fatal(err)
	case <-g.context().Done():
		g.Fatal("the log does not answer")
	}
	return 0
}

func (g *ground) publish(m *nats.Msg) uint64 {
	g.Helper()
	ack, err := g.js.PublishMsg(g.context(), m)
	if err != nil {
		g.Fatal(err)
	}
	return ack.Sequence
}

// run runs f on nc and returns how to stop it. It ends at the latest with the test.
func (g *ground) run(nc *nats.Conn, f functions.Function) (stop func()) {
	g.Helper()
	r, err := functions.NewRunner(f, functions.Config{
		Conn: nc, JetStream: jet.Own,
		Logger:  slog.New(slog.NewTextHandler(g.Output(), nil)),
		Backoff: func(int) time.Duration { return time.Millisecond },
	})
	if err != nil {
		g.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := r.Run(ctx); err != nil && !nc.IsClosed() {
			g.Errorf("%s: %v", f.Name, err)
		}
	}()
	stop = func() { cancel(); <-ended }
	g.Cleanup(stop)
	select {
	case <-r.Ready():
	case <-ended:
		if !nc.IsClosed() {
			g.Fatalf("%s did not start", f.Name)
		}
	}
	return stop
}

// settle waits until the buckets reflect position.
func (g *ground) settle(position uint64, buckets ...view.Bucket) {
	g.Helper()
	if err := projection.Settle(g.context(), g.views, position, buckets...); err != nil {
		g.Fatal(err)
	}
}

// visible are the documents that readers of the bucket see, by key, and how many others the bucket holds.
func (g *ground) visible(b view.Bucket) (docs map[string]string, others int) {
	g.Helper()
	s, err := g.views.Read(g.context(), b, 0)
	if err != nil {
		g.Fatal(err)
	}
	docs = make(map[string]string)
	prefix := b.Subject(view.DocKey(s.Generation, ""))
	for from := uint64(1); ; {
		got, err := g.direct.Range(g.context(), b.Stream(), "", from, 4096)
		if err != nil {
			g.Fatal(err)
		}
		if len(got) == 0 {
			return docs, others
		}
		for _, m := range got {
			from = m.Sequence + 1
			key, ok := strings.CutPrefix(m.Subject, prefix)
			switch {
			case ok && m.Header.Get("KV-Operation") == "":
				docs[key] = string(m.Data)
			case !ok && m.Subject != b.Subject(b.CheckpointKey()):
				others++
			}
		}
	}
}

// same fails the test unless the bucket's documents are what a replay of the whole log makes them.
func same[D comparable](g *ground, p projection.Projection[D]) {
	g.Helper()
	var all []events.Envelope
	if _, err := g.log.Replay(g.context(), 1, 0, func(e events.Envelope, undecodable error) error {
		if undecodable == nil {
			all = append(all, e)
		}
		return nil
	}); err != nil {
		g.Fatal(err)
	}
	want, err := p.Fold(all...)
	if err != nil {
		g.Fatal(err)
	}
	got, _ := g.visible(p.Bucket)
	if maps.Equal(got, want) {
		return
	}
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if got[k] != want[k] {
			g.Errorf("%s: %s\n got %s\nwant %s", p.Bucket.Name, k, got[k], want[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[k]; !ok {
			g.Errorf("%s: %s\n got %s\nwant nothing", p.Bucket.Name, k, got[k])
		}
	}
	g.Fatalf("%s is not what a replay makes it: %d documents, want %d", p.Bucket.Name, len(got), len(want))
}

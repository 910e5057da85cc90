package projection_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/events"
	"natster/functions"
	"natster/functions/accounts"
	"natster/functions/projection"
	"natster/functions/shares"
	"natster/functions/view"
	"natster/internal/jet"
	"natster/internal/test/logtest"
	"natster/internal/test/wait"
)

func TestLiveFoldIsAReplay(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.provision(projectors()...)
	for _, f := range projectors() {
		g.run(g.connect(), f)
	}
	evs := history(300)
	for len(evs) > 0 {
		last := g.happen(evs[:50]...)
		evs = evs[50:]
		g.settle(last, view.Projections()...)
		eachSame(g)
	}
}

func TestRedeliveryPutsNothing(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	f := shares.New()
	g.provision(f)
	last := g.happen(history(100)...)
	stop := g.run(g.connect(), f)
	g.settle(last, view.Shares)
	stop()
	before := g.lastOf(view.Shares)

	if err := g.js.DeleteConsumer(g.context(), events.LogStream, f.Name); err != nil {
		t.Fatal(err)
	}
	g.provision(f) // everything is delivered again
	g.run(g.connect(), shares.New())
	g.acknowledged(f.Name, last)
	if after := g.lastOf(view.Shares); after != before {
		t.Errorf("the bucket went from sequence %d to %d", before, after)
	}
	same(g, shares.Projection())
}

func (g *ground) lastOf(b view.Bucket) uint64 {
	g.Helper()
	s, err := g.js.Stream(g.context(), b.Stream())
	if err != nil {
		g.Fatal(err)
	}
	return s.CachedInfo().State.LastSeq
}

// acknowledged waits until the function has acknowledged the log up to position.
func (g *ground) acknowledged(function string, position uint64) {
	g.Helper()
	for ctx := g.context(); ; {
		c, err := g.js.Consumer(ctx, events.LogStream, function)
		if err != nil {
			g.Fatal(err)
		}
		if c.CachedInfo().AckFloor.Stream >= position {
			return
		}
	}
}

func TestABucketThatWasLostIsMendedAtTheStart(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	f := shares.New()
	g.provision(f)
	last := g.happen(history(1500)...)
	stop := g.run(g.connect(), f)
	g.settle(last, view.Shares)
	g.acknowledged(f.Name, last)
	stop()
	if err := g.js.DeleteStream(g.context(), view.Shares.Stream()); err != nil {
		t.Fatal(err)
	}
	g.provision(f)
	g.run(g.connect(), shares.New()) // no event wakes it
	g.settle(last, view.Shares)
	same(g, shares.Projection())
}

// A run that is told to stop does not go on folding what was lost, however much that is and however long it takes. A
// busy machine may stall one of the stops that are measured, but hardly three.
func TestAStopEndsTheRepairAtTheStart(t *testing.T) { // not in parallel: it measures
	const bound = 100 * time.Millisecond
	var took []time.Duration
	for range 3 {
		took = append(took, stopDuringRepair(t, 2*bound))
		if t.Logf("it ended within %s", took[len(took)-1]); took[len(took)-1] <= bound || t.Failed() {
			return
		}
	}
	t.Errorf("it ended after %s, want at most %s once", took, bound)
}

// stopDuringRepair stops a run in the first step of its repair and returns how long the stop took. A run that goes on
// meets a step that is slow by itself.
func stopDuringRepair(t *testing.T, slow time.Duration) time.Duration {
	t.Helper()
	g := newGround(t)
	const step = 4096 // events that are folded in one step
	p := shares.Projection()
	began, release := make(chan struct{}), make(chan struct{})
	var folded atomic.Uint64 // up to which position
	apply := p.Apply
	nearTheEnd := sync.OnceFunc(func() { close(began); <-release })
	late := sync.OnceFunc(func() { time.Sleep(slow) })
	p.Apply = func(key string, d view.Share, e events.Envelope) (view.Share, bool, error) {
		if e.Position > step-100 {
			nearTheEnd()
		}
		if e.Position > step {
			late()
		}
		folded.Store(max(folded.Load(), e.Position))
		return apply(key, d, e)
	}
	f := p.Function("shares", "is told to stop")
	g.provision(f)
	last := g.happen(history(3 * step)...)
	// All is acknowledged, and nothing is there.
	if err := functions.FastForward(g.context(), g.js, f.Name, last); err != nil {
		t.Fatal(err)
	}
	r, err := functions.NewRunner(f, functions.Config{Conn: g.connect(), JetStream: jet.Own})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	select {
	case <-began:
	case err := <-ended:
		t.Fatalf("it has nothing to fold: %v", err)
	}
	stopped := time.Now()
	cancel()
	close(release)
	err = wait.Receive(t, "the run ends", ended)
	took := time.Since(stopped)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	if got := folded.Load(); got > step {
		t.Errorf("it folded to position %d of %d, and was told to stop in the first %d", got, last, step)
	}
	return took
}

func TestABucketThatIsLostMeanwhileIsMendedByTheNextEvent(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	f := shares.New()
	g.provision(f)
	evs := history(700)
	last := g.happen(evs[:699]...)
	g.run(g.connect(), f)
	g.settle(last, view.Shares)
	g.acknowledged(f.Name, last)
	if err := g.js.DeleteStream(g.context(), view.Shares.Stream()); err != nil {
		t.Fatal(err)
	}
	g.provision(f)
	last = g.happen(evs[699])
	g.settle(last, view.Shares)
	same(g, shares.Projection())
}

// A lifeline is a connection that breaks after so many bytes in either direction.
type lifeline struct {
	net.Conn
	writes, reads *atomic.Int64
}

func (l lifeline) Write(b []byte) (int, error) {
	left := l.writes.Add(int64(-len(b)))
	if left >= 0 {
		return l.Conn.Write(b)
	}
	n, err := l.Conn.Write(b[:max(0, int(left)+len(b))])
	return n, errors.Join(net.ErrClosed, err, l.Close())
}

func (l lifeline) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	if l.reads.Add(int64(-n)) < 0 {
		return 0, errors.Join(net.ErrClosed, err, l.Close())
	}
	return n, err
}

// A dialer makes connections that live for as many bytes as next says.
type dialer struct{ next func() (writes, reads int64) }

func (d dialer) Dial(network, address string) (net.Conn, error) {
	conn, err := net.Dial(network, address)
	if err != nil {
		return nil, err
	}
	l := lifeline{conn, new(atomic.Int64), new(atomic.Int64)}
	w, r := d.next()
	l.writes.Store(w)
	l.reads.Store(r)
	return l, nil
}

// The connection of the function is cut after any number of bytes that it sent, or that it received; then it is started
// again. Half-written events, puts without their checkpoint, acknowledgements that never came: all of it is in there.
func TestKilledAnywhereItEndsAsAReplay(t *testing.T) {
	const endless = 1 << 40
	t.Parallel()
	g := newGround(t)
	last := g.happen(history(12)...)
	tried, killed := 0, 0
	for kill := int64(1500); ; kill += 700 { // it takes some bytes to connect and start
		for _, budget := range []dialer{
			{func() (int64, int64) { return kill, endless }},
			{func() (int64, int64) { return endless, kill }},
		} {
			p := shares.Projection()
			p.Bucket.Name = "killed" + string(rune('a'+tried%26)) + strings.Repeat("x", tried/26)
			name := p.Bucket.Name
			tried++
			f := p.Function(name, "is killed")
			g.provision(f)
			g.impatient(name)
			nc, err := nats.Connect(g.server.ClientURL(), nats.SetCustomDialer(budget), nats.NoReconnect())
			if err == nil {
				stop := g.run(nc, f)
				if g.folded(p.Bucket, last, nc) {
					killed--
				}
				killed++
				nc.Close()
				stop()
			}
			stop := g.run(g.connect(), p.Function(name, "was killed"))
			g.settle(last, p.Bucket)
			same(g, p)
			stop()
		}
		if kill > 14000 {
			break
		}
	}
	if killed < tried/3 || killed == tried {
		t.Errorf("killed %d of %d before the end: the cuts are not where the work is", killed, tried)
	}
}

// impatient makes the server deliver again soon what a function that was killed had in hand.
func (g *ground) impatient(function string) {
	g.Helper()
	c, err := g.js.Consumer(g.context(), events.LogStream, function)
	if err != nil {
		g.Fatal(err)
	}
	cfg := c.CachedInfo().Config
	cfg.AckWait = 20 * time.Millisecond
	if _, err := g.js.UpdateConsumer(g.context(), events.LogStream, cfg); err != nil {
		g.Fatal(err)
	}
}

// folded waits until the bucket reflects position or nc is gone, and tells whether it was the first.
func (g *ground) folded(b view.Bucket, position uint64, nc *nats.Conn) bool {
	g.Helper()
	for g.Context().Err() == nil {
		at, err := projection.Position(g.context(), g.views, b)
		if err != nil {
			g.Fatal(err)
		}
		if at >= position {
			return true
		}
		if nc.IsClosed() {
			return false
		}
	}
	return false
}

// Here the connection comes back by itself, again and again, with whatever it had not sent.
func TestABadConnectionLosesNothing(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	r := rand.New(rand.NewPCG(3, 4))
	f := shares.New()
	g.provision(f)
	g.impatient(f.Name)
	nc := g.connect(nats.MaxReconnects(-1), nats.ReconnectWait(time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.SetCustomDialer(dialer{func() (int64, int64) { return 4000 + r.Int64N(12000), 4000 + r.Int64N(30000) }}))
	g.run(nc, f)
	last := g.happen(history(40)...)
	g.settle(last, view.Shares)
	same(g, shares.Projection())
}

func TestTwoInstancesAtOnceAreAsOne(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	last := g.happen(history(400)...)
	var names []string
	// Each has a consumer of its own: nothing keeps them apart.
	for _, name := range []string{"sharesone", "sharestwo"} {
		f := shares.Projection().Function(name, "one of two")
		g.provision(f)
		g.run(g.connect(), f)
		names = append(names, name)
	}
	for _, name := range names {
		g.acknowledged(name, last)
	}
	same(g, shares.Projection())
}

func TestWhatCannotBeFoldedIsSetAsideAndPassedOver(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	f := accounts.New()
	g.provision(f)
	evs := history(40)

	g.happen(evs[:20]...)
	bad := events.Event{ID: "bad", Time: logtest.Begin, Type: events.Initialized, Origin: logtest.Account(900),
		Data: []byte(`{"account_key":"me"}`)}
	malformed := g.happen(bad)
	g.happen(evs[20:30]...)
	undecodable := g.publish(&nats.Msg{Subject: "natster.events.a.b.c.d", Data: []byte("?")})
	last := g.happen(evs[30:]...)

	g.run(g.connect(), f)
	g.settle(last, view.Accounts)
	g.acknowledged(f.Name, last)
	same(g, accounts.Projection())
	for i, position := range []uint64{malformed, undecodable} {
		m := g.poison(uint64(i + 1))
		if got := m.Header.Get(functions.HeaderPoisonSequence); got != itoa(position) {
			t.Errorf("set aside is position %s, want %d", got, position)
		}
	}
}

func TestAPanicIsPassedOver(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	p := shares.Projection()
	apply := p.Apply
	evs := history(40)
	p.Apply = func(key string, d view.Share, e events.Envelope) (view.Share, bool, error) {
		if e.ID == evs[20].ID || e.ID == evs[19].ID {
			panic("not this one")
		}
		return apply(key, d, e)
	}
	f := p.Function("shares", "panics")
	g.provision(f)
	last := g.happen(evs...)
	g.run(g.connect(), f)
	g.settle(last, view.Shares)
	same(g, p)
	if m := g.poison(1); !strings.Contains(m.Header.Get(functions.HeaderPoisonReason), "not this one") {
		t.Errorf("reported is %q", m.Header.Get(functions.HeaderPoisonReason))
	}
}

// poison is the message that was set aside as n-th.
func (g *ground) poison(n uint64) *jetstream.RawStreamMsg {
	g.Helper()
	s, err := g.js.Stream(g.context(), functions.PoisonStream)
	if err != nil {
		g.Fatal(err)
	}
	for {
		m, err := s.GetMsg(g.context(), n)
		if err == nil {
			return m
		}
		if !errors.Is(err, jetstream.ErrMsgNotFound) || g.Context().Err() != nil {
			g.Fatal(errors.Join(err, context.Cause(g.Context())))
		}
	}
}

package projection_test

import (
	"bytes"
	"net"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/functions/projection"
)

// A deaf connection sends the first requests for consumers where nobody answers.
type deaf struct {
	net.Conn
	left *atomic.Int64
}

func (d deaf) Write(p []byte) (int, error) {
	ask := []byte("PUB $JS.API.CONSUMER.CREATE.")
	if bytes.Contains(p, ask) && d.left.Add(-1) >= 0 {
		p = bytes.Replace(p, ask, []byte("PUB $JS.API.CONSUMER.NOBODY."), 1)
	}
	return d.Conn.Write(p)
}

type deafDialer struct{ left *atomic.Int64 }

func (d deafDialer) Dial(network, address string) (net.Conn, error) {
	c, err := net.Dial(network, address)
	return deaf{c, d.left}, err
}

// TestRebuildWhileConsumersAreGivenToADeadServer has requests for consumers unanswered, as they are in a cluster that
// has lost a server and does not know it yet.
func TestRebuildWhileConsumersAreGivenToADeadServer(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.provision(projectors()...)
	g.happen(history(100)...)
	if _, err := g.nc.SubscribeSync("$JS.API.CONSUMER.NOBODY.>"); err != nil {
		t.Fatal(err)
	}
	var left atomic.Int64
	left.Store(2)
	nc := g.connect(nats.SetCustomDialer(deafDialer{&left}))
	if err := projection.Rebuild(g.context(), nc, nil, all()...); err != nil {
		t.Fatal(err)
	}
	if left.Load() > 0 {
		t.Errorf("%d requests were not lost", left.Load())
	}
	eachSame(g)
}

// A stubborn connection asks for consumers to be moved where it is refused at once.
type stubborn struct{}

type immovable struct{ net.Conn }

func (i immovable) Write(p []byte) (int, error) {
	return i.Conn.Write(bytes.Replace(p, []byte("$JS.API.CONSUMER.RESET."), []byte("$JS.API.CONSUMER.NEVER."), 1))
}

func (stubborn) Dial(network, address string) (net.Conn, error) {
	c, err := net.Dial(network, address)
	return immovable{c}, err
}

package embedded_test

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
)

// A lazy dialer's connections read nothing once it is told to stop.
type lazy struct {
	mu      sync.Mutex
	stopped bool
	end     chan struct{} // closed at the end
}

type lazyConn struct {
	net.Conn
	l *lazy
}

func (l *lazy) Dial(network, address string) (net.Conn, error) {
	c, err := net.Dial(network, address)
	return &lazyConn{c, l}, err
}

func (c *lazyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.l.mu.Lock()
	stopped := c.l.stopped
	c.l.mu.Unlock()
	if stopped {
		<-c.l.end
	}
	return n, err
}

func (l *lazy) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
}

func TestAnAccountThatDoesNotReadHoldsNoMoreOfTheServersMemoryThanItMay(t *testing.T) {
	w := worldtest.Start(t, worldtest.Bare)
	alice, bob := w.Account("alice"), w.Account("bob")
	l := &lazy{end: make(chan struct{})}
	defer close(l.end)
	var sleepers []*nats.Conn
	for range 4 { // none of which has as much as one connection may have
		nc := alice.Connect(t, nats.SetCustomDialer(l), nats.NoReconnect())
		if _, err := nc.Subscribe("flood", func(*nats.Msg) {}); err != nil {
			t.Fatal(err)
		}
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
		sleepers = append(sleepers, nc)
	}
	awake, bobs := alice.Conn(t), bob.Conn(t)
	l.stop()
	ended := func() bool { return strings.Contains(w.Log(), "which does not read") }
	message := make([]byte, 512<<10)
	until := time.Now().Add(wait.Patience)
	for sent := 0; !ended(); sent += len(message) {
		if sent > 1<<30 || time.Now().After(until) {
			t.Fatalf("%d bytes wait for each of %d connections", sent, len(sleepers))
		}
		if err := awake.Publish("flood", message); err != nil {
			t.Fatal(err)
		}
		if err := awake.Flush(); err != nil { // which it reads
			t.Fatal(err)
		}
	}
	for _, nc := range []*nats.Conn{awake, bobs} {
		if err := nc.Flush(); err != nil || nc.Stats().Reconnects > 0 {
			t.Errorf("who reads was cut off: %v", err)
		}
	}
}

package cli_test

import (
	"encoding/json"
	"math"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
	"natster/workloads/catalog"
)

// The servers hear of it before the event log does, and afterwards at which position it has it.
func TestAnUnshareIsSaidToTheServersBeforeAndAfterThePut(t *testing.T) {
	t.Parallel()
	var free atomic.Uint64
	free.Store(math.MaxUint64)
	m := &machine{worldtest.Start(t, func(c *worldtest.Config) {
		c.FreeSpace = func() (uint64, error) { return free.Load(), nil }
	}), t, t.TempDir()}
	m.natster("init alice").ok()
	m.natster("init bob").ok()
	m.natster("context use alice").ok()
	m.run("catalog", "new", "films", films(t)).ok()
	m.natster("catalog share films bob").ok()
	heard := make(chan catalog.UnshareRequest, 1000)
	nc := m.Account("alice").Conn(t)
	if _, err := nc.Subscribe(events.LocalUnshare, func(msg *nats.Msg) {
		var q catalog.UnshareRequest
		if err := json.Unmarshal(msg.Data, &q); err != nil {
			t.Error(err)
		}
		heard <- q
		if err := msg.Respond([]byte(`{"code":200,"data":{}}`)); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	hears := func(when string) catalog.UnshareRequest {
		t.Helper()
		q := wait.Receive(t, when, heard)
		if q.Catalog.String() != "films" || q.Target != m.Account("bob").Key {
			t.Errorf("%s the servers hear %+v", when, q)
		}
		return q
	}

	free.Store(0) // nothing can be put
	wait.Eventually(t, "the world is full", func() bool { return m.natster("catalog share films bob").code != 0 })
	m.natster("catalog unshare films bob").exits(1).
		warns("refuses bob for about a minute: repeat it until it succeeds", "natster catalog unshare films bob")
	if q := hears("before the put that fails"); q.Position != 0 {
		t.Errorf("position %d is said before there is one", q.Position)
	}

	free.Store(math.MaxUint64)
	wait.Eventually(t, "there is room", func() bool { return m.natster("catalog unshare films bob").code == 0 })
	var last uint64
	for last == 0 { // before each attempt, and after the one that succeeds
		last = hears("around the put").Position
	}
	if n := len(heard); n != 0 {
		t.Errorf("%d more are said", n)
	}
}

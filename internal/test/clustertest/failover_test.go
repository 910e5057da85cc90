package clustertest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/projection"
	"natster/functions/shares"
	"natster/functions/view"
	"natster/internal/jet"
	"natster/internal/test/clustertest"
	"natster/internal/test/logtest"
	"natster/internal/test/wait"
)

// A household is a cluster in which every function runs at the first server, and shares may run at others as well.
type household struct {
	*clustertest.Cluster
	client *api.Client
	views  *view.Reader
	shared int // how many catalogs alice has shared
}

func newHousehold(t testing.TB) *household {
	t.Helper()
	c := clustertest.Start(t, 3)
	c.Grant(t.TempDir(), writers()...)
	c.Run(0, writers()...)
	host, err := functions.Open(c.Admin, jet.Own)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Direct.Close() }) // the connection ends, too
	e, conn := c.Enrol("alice")
	h := &household{Cluster: c, client: api.NewClient(conn), views: host.Views}
	introduce(t, h.client, e.Account)
	if err := logtest.Introduce(t.Context(), c.Admin, 1); err != nil {
		t.Fatal(err)
	}
	return h
}

// share makes one share, and returns when the function shares has handled it.
func (h *household) share(t testing.TB) {
	t.Helper()
	h.shared++
	films := logtest.Catalog(fmt.Sprint("films", h.shared))
	if err := share(t.Context(), h.client, films, logtest.Account(0)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), wait.Patience) // another each time: they are many
	defer cancel()
	if err := projection.Settle(ctx, h.views, h.client.Position(), view.Shares); err != nil {
		t.Fatalf("event %d is not handled: %v", h.client.Position(), err)
	}
}

// losing runs shares at the server as well, ends it as if its process had been killed, and returns how long it took
// until the next events were handled.
func (h *household) losing(t testing.TB, server int) time.Duration {
	t.Helper()
	kill := h.Run(server, shares.New())
	for range 4 { // both take part, and both wait for what comes next
		h.share(t)
	}
	kill()
	began := time.Now()
	for range 2 { // one of which may be given to who is no more
		h.share(t)
	}
	return time.Since(began)
}

// TestAnInstanceThatIsKilledHoldsUpNobody kills an instance of an event function that is waiting for the next event, at
// each of the servers, one of which leads the log and its consumers.
func TestAnInstanceThatIsKilledHoldsUpNobody(t *testing.T) {
	h := newHousehold(t)
	h.LeadStream(1, events.LogStream)
	for server := range h.Size() {
		t.Logf("killed at server %d: the next events were handled after %s", server, h.losing(t, server))
	}
}

// BenchmarkFailover tells the longest that the next event had to wait for, in seconds.
func BenchmarkFailover(b *testing.B) {
	h := newHousehold(b)
	var longest time.Duration
	for b.Loop() {
		for server := range h.Size() {
			longest = max(longest, h.losing(b, server))
		}
	}
	b.ReportMetric(longest.Seconds(), "s-longest")
}

package projection_test

import (
	"strconv"
	"testing"

	"natster/events"
	"natster/functions"
	"natster/functions/accounts"
	"natster/functions/catalogs"
	"natster/functions/logins"
	"natster/functions/projection"
	"natster/functions/shares"
	"natster/functions/stats"
	"natster/internal/test/logtest"
)

// all are the projections of the log, of whatever type.
func all() []projection.Rebuildable {
	return []projection.Rebuildable{accounts.Projection(), catalogs.Projection(), shares.Projection(),
		logins.Projection(), stats.Projection()}
}

// projectors are functions that keep them up to date.
func projectors() []functions.Function {
	return []functions.Function{
		accounts.New(), catalogs.New(), shares.New(), logins.New(),
		stats.Projection().Function("stats", "totals"),
	}
}

// eachSame compares every bucket with a replay.
func eachSame(g *ground) {
	g.Helper()
	same(g, accounts.Projection())
	same(g, catalogs.Projection())
	same(g, shares.Projection())
	same(g, logins.Projection())
	same(g, stats.Projection())
}

// history is a small living system.
func history(n int) []events.Event {
	var evs []events.Event
	for e := range (logtest.Shape{Events: n, Accounts: max(2, n/10), Seed: 7}).Log() {
		evs = append(evs, e)
	}
	return evs
}

func envelopes(evs []events.Event) []events.Envelope {
	es := make([]events.Envelope, len(evs))
	for i, e := range evs {
		es[i] = events.Envelope{Event: e, Position: uint64(i + 1)}
	}
	return es
}

func TestFoldingTwiceChangesNothing(t *testing.T) {
	log := envelopes(history(2000))
	twice(t, log, accounts.Projection())
	twice(t, log, catalogs.Projection())
	twice(t, log, shares.Projection())
	twice(t, log, logins.Projection())
	twice(t, log, stats.Projection())
}

func twice[D comparable](t *testing.T, log []events.Envelope, p projection.Projection[D]) {
	t.Helper()
	once, err := p.Fold(log...)
	if err != nil {
		t.Fatal(err)
	}
	if len(once) == 0 {
		t.Fatalf("%s: the log makes no documents", p.Bucket.Name)
	}
	var each []events.Envelope // each event delivered again at once, and the last hundred once more at the end
	for _, e := range log {
		each = append(each, e, e)
	}
	again, err := p.Fold(each...)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, p.Bucket.Name, again, once)
}

func TestTypesOfTheFutureArePassedOver(t *testing.T) {
	log := envelopes(history(500))
	with := make([]events.Envelope, 0, 2*len(log))
	for _, e := range log {
		future := e
		future.Type = "catalog_renamed"
		future.Data = []byte(`{"to":"other"}`)
		future.Position = 2*e.Position - 1
		e.Position *= 2
		with = append(with, future, e)
	}
	for i := range log {
		log[i].Position *= 2
	}
	passes(t, log, with, accounts.Projection())
	passes(t, log, with, catalogs.Projection())
	passes(t, log, with, shares.Projection())
	passes(t, log, with, logins.Projection())
	passes(t, log, with, stats.Projection())
}

func passes[D comparable](t *testing.T, log, with []events.Envelope, p projection.Projection[D]) {
	t.Helper()
	want, err := p.Fold(log...)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Fold(with...)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, p.Bucket.Name, got, want)
}

func equal(t *testing.T, name string, got, want map[string]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d documents, want %d", name, len(got), len(want))
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: %s is %s, want %s", name, k, got[k], v)
		}
	}
}

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }

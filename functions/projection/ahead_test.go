package projection_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions"
	"natster/functions/accounts"
	"natster/functions/shares"
	"natster/functions/stats"
	"natster/functions/view"
	"natster/internal/jet"
	"natster/internal/test/logtest"
)

func TestAProjectionThatIsBehindPutsADocumentOnceForManyEvents(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	f := stats.Projection().Function("stats", "totals")
	g.provision(f)
	last := g.happen(history(3000)...)
	g.run(g.connect(), f)
	g.settle(last, view.Stats)
	g.acknowledged(f.Name, last)
	if puts := g.lastOf(view.Stats); puts > last/10 { // one event at a time it is two for each
		t.Errorf("%d events took %d puts", last, puts)
	}
	same(g, stats.Projection())
}

// What cannot be folded is delivered, and so set aside, wherever among the many it stands.
func TestPoisonAmongManyEventsIsSetAside(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	f := accounts.New()
	g.provision(f)
	evs := history(600)
	var bad []uint64
	for i, from := range []int{0, 50, 51, 300} {
		to := []int{50, 51, 300, 600}[i]
		if i%2 == 0 {
			malformed := events.Event{ID: "bad" + itoa(uint64(i)), Time: logtest.Begin, Type: events.Initialized,
				Origin: logtest.Account(900 + i), Data: []byte(`{"account_key":"me"}`)}
			bad = append(bad, g.happen(malformed))
		} else {
			bad = append(bad, g.publish(&nats.Msg{Subject: "natster.events.a.b.c.d", Data: []byte("?")}))
		}
		g.happen(evs[from:to]...)
	}
	last := g.happen(events.Event{ID: "last", Time: logtest.Begin, Type: "a_type_of_the_future",
		Origin: logtest.Account(1)})
	g.run(g.connect(), f)
	g.settle(last, view.Accounts)
	g.acknowledged(f.Name, last)
	same(g, accounts.Projection())
	for i, position := range bad {
		if got := g.poison(uint64(i + 1)).Header.Get(functions.HeaderPoisonSequence); got != itoa(position) {
			t.Errorf("set aside is position %s, want %d", got, position)
		}
	}
}

// The same as one event at a time, killed after any number of bytes: in here are steps of which some documents were
// put, the checkpoint not, or the checkpoint and not the move of the consumer.
func TestKilledAnywhereWhileFarBehindItEndsAsAReplay(t *testing.T) {
	const endless = 1 << 40
	t.Parallel()
	g := newGround(t)
	last := g.happen(history(160)...)
	tried, killed := 0, 0
	for kill := int64(3000); kill < 260_000; kill += 19_997 {
		for _, budget := range []dialer{
			{func() (int64, int64) { return kill, endless }},
			{func() (int64, int64) { return endless, kill }},
		} {
			p := shares.Projection()
			p.Bucket.Name = "behind" + strconv.Itoa(tried)
			name := p.Bucket.Name
			tried++
			f := p.Function(name, "is killed")
			g.provision(f)
			g.impatient(name)
			nc, err := nats.Connect(g.server.ClientURL(), nats.SetCustomDialer(budget), nats.NoReconnect())
			if err == nil {
				stop := g.run(nc, f)
				if !g.folded(p.Bucket, last, nc) {
					killed++
				}
				nc.Close()
				stop()
			}
			stop := g.run(g.connect(), p.Function(name, "was killed"))
			g.settle(last, p.Bucket)
			g.acknowledged(name, last)
			same(g, p)
			stop()
		}
	}
	if killed < tried/4 || killed == tried {
		t.Errorf("killed %d of %d before the end: the cuts are not where the work is", killed, tried)
	}
}

// Two instances that nothing keeps apart fold steps of different lengths, of a log in which the same few shares come
// and go: what one has deleted the other must not bring back.
func TestTwoInstancesFarBehindAreAsOne(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	share := events.Event{Time: logtest.Begin, Origin: logtest.Account(1), Target: logtest.Account(2)}
	var evs []events.Event
	for i := range 2000 {
		share.ID, share.Catalog = "e"+strconv.Itoa(i), logtest.Catalog("films"+strconv.Itoa(i*7%40/(1+i/1000)))
		share.Type = []events.Type{events.Shared, events.Unshared}[i*5%7%2]
		evs = append(evs, share)
	}
	g.happen(evs[:1000]...)
	var names []string
	for _, name := range []string{"sharesone", "sharestwo", "sharesthree"} {
		f := shares.Projection().Function(name, strings.TrimPrefix(name, "shares")+" of three")
		g.provision(f)
		g.run(g.connect(), f)
		names = append(names, name)
	}
	last := g.happen(evs[1000:]...)
	for _, name := range names {
		g.acknowledged(name, last)
	}
	same(g, shares.Projection())
}

// A server that moves no consumers, or credentials from before it was asked to, cost speed and nothing else.
func TestAFunctionThatMayNotMoveItsConsumerGoesOn(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	f := stats.Projection().Function("stats", "totals")
	g.provision(f)
	last := g.happen(history(200)...)
	g.run(g.connect(nats.SetCustomDialer(stubborn{})), f)
	g.settle(last, view.Stats)
	g.acknowledged(f.Name, last)
	same(g, stats.Projection())
}

// What one instance has deleted, another that folds the same events in other steps does not bring back for a while: the
// marker says how far the document is, also when it came and went in one step.
func TestADocumentThatIsGoneSaysSinceWhen(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	f := shares.New()
	g.provision(f)
	share := events.Event{ID: "s", Time: logtest.Begin, Type: events.Shared, Origin: logtest.Account(1),
		Target: logtest.Account(2), Catalog: logtest.Catalog("films")}
	nothing := events.Event{ID: "n0", Time: logtest.Begin, Type: "a_type_of_the_future", Origin: logtest.Account(1)}
	unshare := share
	unshare.ID, unshare.Type = "u", events.Unshared
	evs := []events.Event{nothing, share, unshare}
	for i := range 60 {
		nothing.ID = "n" + strconv.Itoa(i+1)
		evs = append(evs, nothing)
	}
	last := g.happen(evs...)
	stop := g.run(g.connect(), f)
	g.settle(last, view.Shares)
	stop()
	marker := func() jet.Message {
		subject := view.Shares.Subject(view.DocKey(1, view.ShareByKey(share.Origin, share.Catalog, share.Target)))
		got, err := g.direct.Last(g.context(), view.Shares.Stream(), subject)
		if err != nil || len(got) != 1 {
			t.Fatalf("%d markers: %v", len(got), err)
		}
		return got[0]
	}
	before := marker()
	if at := before.Header.Get(view.HeaderPosition); at != "3" {
		t.Errorf("gone since %q", at)
	}
	// As an instance finds it that has read the checkpoint before another put it.
	if _, err := view.Put(g.context(), g.js, view.Shares, view.Shares.CheckpointKey(),
		[]byte(`{"generation":1,"position":0}`)); err != nil {
		t.Fatal(err)
	}
	if err := g.js.DeleteConsumer(g.context(), events.LogStream, f.Name); err != nil {
		t.Fatal(err)
	}
	g.provision(f)
	g.run(g.connect(), shares.New())
	g.settle(last, view.Shares)
	if after := marker(); after.Sequence != before.Sequence {
		t.Errorf("it was put again")
	}
	same(g, shares.Projection())
}

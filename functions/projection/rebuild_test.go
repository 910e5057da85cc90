package projection_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"

	"natster/events"
	"natster/functions/accounts"
	"natster/functions/projection"
	"natster/functions/shares"
	"natster/functions/view"
	"natster/internal/test/logtest"
)

func TestRebuildFromNothing(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.provision(projectors()...)
	last := g.happen(history(1200)...)
	var p projection.Progress
	if err := projection.Rebuild(g.context(), g.nc, func(now projection.Progress) { p = now }, all()...); err != nil {
		t.Fatal(err)
	}
	if p.Position != last || p.Last != last || p.Written != p.Docs || p.Docs == 0 {
		t.Errorf("progress ends at %+v, the log at %d", p, last)
	}
	g.settle(last, view.Projections()...)
	eachSame(g)

	for _, f := range projectors() { // who then find nothing to do, although everything is delivered to them
		before := g.lastOf(f.Access.Writes[0])
		g.run(g.connect(), f)
		g.acknowledged(f.Name, last)
		if after := g.lastOf(f.Access.Writes[0]); before != after {
			t.Errorf("%s: the bucket went from sequence %d to %d", f.Name, before, after)
		}
	}
}

func TestRebuildOfAnEmptyLog(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.provision(projectors()...)
	if err := projection.Rebuild(g.context(), g.nc, nil, all()...); err != nil {
		t.Fatal(err)
	}
	for _, f := range projectors() {
		g.run(g.connect(), f)
	}
	last := g.happen(history(50)...)
	g.settle(last, view.Projections()...)
	eachSame(g)
}

func TestRebuildMendsWhatWasTamperedWith(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	f := accounts.New()
	g.provision(f)
	g.run(g.connect(), f)
	last := g.happen(history(200)...)
	g.settle(last, view.Accounts)
	if _, err := view.Put(g.context(), g.js, view.Accounts, view.DocKey(1, view.AccountKey(logtest.Account(0))),
		[]byte(`{"position":1,"doc":{"name":"nobody"}}`)); err != nil {
		t.Fatal(err)
	}
	if err := projection.Rebuild(g.context(), g.nc, nil, accounts.Projection()); err != nil {
		t.Fatal(err)
	}
	same(g, accounts.Projection())
	if _, others := g.visible(view.Accounts); others != 0 {
		t.Errorf("%d documents of the old generation are left", others)
	}
}

// While events flow and readers read, rebuild follows rebuild. A reader that asks for a position finds what the event
// at that position did, always.
func TestRebuildWhileEventsFlowAndReadersRead(t *testing.T) {
	t.Parallel()
	const readers, rebuilds = 4, 5
	g := newGround(t)
	g.provision(projectors()...)
	for _, f := range projectors() {
		g.run(g.connect(), f)
	}
	evs := history(3000)
	g.happen(evs[:500]...)
	evs = evs[500:]

	type fact struct {
		position uint64
		share    events.Event
	}
	facts := make(chan fact)
	var reading, writing sync.WaitGroup
	for range readers {
		views := view.NewReader(g.direct)
		reading.Go(func() {
			var at uint64
			for f := range facts {
				s, err := views.Read(g.context(), view.Shares, f.position,
					view.ShareByKey(f.share.Origin, f.share.Catalog, f.share.Target))
				if err != nil {
					t.Errorf("position %d: %v", f.position, err)
					continue
				}
				there := len(s.Found) == 1 && s.Found[0].Value != nil
				if there != (f.share.Type == events.Shared) {
					t.Errorf("%s at position %d: the reader at position %d, generation %d sees %d documents",
						f.share.Type, f.position, s.Position, s.Generation, len(s.Found))
				}
				if s.Position < at {
					t.Errorf("the reader went back from position %d to %d", at, s.Position)
				}
				at = s.Position
			}
		})
	}
	done := make(chan struct{})
	var last uint64
	writing.Go(func() {
		defer close(facts)
		share := events.Event{Time: logtest.Begin, Origin: logtest.Account(5000), Target: logtest.Account(5001)}
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			if len(evs) > 0 {
				g.happen(evs[0])
				evs = evs[1:]
			}
			// Each share is of a catalog of its own, so that what a reader must see does not depend on when it reads.
			share.Catalog, share.Type, share.ID = logtest.Catalog("c"+strconv.Itoa(i)), events.Shared,
				"s"+strconv.Itoa(i)
			last = g.happen(share)
			if i%3 == 0 {
				share.Type, share.ID = events.Unshared, "u"+strconv.Itoa(i)
				last = g.happen(share)
			}
			facts <- fact{last, share}
		}
	})
	for range rebuilds {
		if err := projection.Rebuild(g.context(), g.nc, nil, all()...); err != nil {
			t.Error(err)
		}
	}
	close(done)
	writing.Wait()
	reading.Wait()
	g.settle(last, view.Projections()...)
	eachSame(g)
}

func TestRebuildThatIsInterruptedIsRepeated(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.provision(projectors()...)
	for _, f := range projectors() {
		g.run(g.connect(), f)
	}
	evs := history(1300)
	last := g.happen(evs[:1200]...)
	g.settle(last, view.Projections()...)

	interrupted := 0
	for after := 1; ; after += 3 { // the n-th report of progress is the last
		ctx, cancel := context.WithCancel(g.context())
		nc := g.connect()
		reports := 0
		err := projection.Rebuild(ctx, nc, func(projection.Progress) {
			if reports++; reports != after {
				return
			}
			if after%2 == 1 {
				nc.Close() // as a crash would
			} else {
				cancel() // as Ctrl-C would
			}
		}, all()...)
		cancel()
		nc.Close()
		eachSame(g)
		last = g.happen(evs[1200+interrupted])
		if err == nil {
			break
		}
		interrupted++
	}
	if interrupted < 3 {
		t.Errorf("interrupted %d times only", interrupted)
	}
	if err := projection.Rebuild(g.context(), g.nc, nil, all()...); err != nil {
		t.Fatal(err)
	}
	g.settle(last, view.Projections()...)
	eachSame(g)
	for _, b := range view.Projections() {
		if _, others := g.visible(b); others != 0 {
			t.Errorf("%s: %d documents of other generations are left", b.Name, others)
		}
	}
}

func TestOfTwoRebuildsTheLaterWins(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	f := shares.New()
	g.provision(f)
	g.run(g.connect(), f)
	last := g.happen(history(1000)...)
	g.settle(last, view.Shares) // else the live fold may still put documents of before, until the next rebuild

	var once sync.Once
	err := projection.Rebuild(g.context(), g.nc, func(projection.Progress) {
		once.Do(func() { // the later one begins and ends while the first is at work
			if err := projection.Rebuild(g.context(), g.connect(), nil, shares.Projection()); err != nil {
				t.Errorf("the later: %v", err)
			}
		})
	}, shares.Projection())
	if !errors.Is(err, projection.ErrSuperseded) {
		t.Fatalf("the earlier: %v", err)
	}
	g.settle(last, view.Shares)
	same(g, shares.Projection())
	if _, others := g.visible(view.Shares); others != 0 {
		t.Errorf("%d documents of the earlier are left", others)
	}
}

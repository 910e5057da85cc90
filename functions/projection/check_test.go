package projection_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/projection"
	"natster/functions/shares"
	"natster/functions/view"
)

// flip flips a bit of the one event in the log's files that holds the text.
func flip(t *testing.T, dir, text string) {
	t.Helper()
	blocks, err := filepath.Glob(filepath.Join(dir, "*.blk"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range blocks {
		block, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if i := bytes.Index(block, []byte(text)); i >= 0 {
			block[i] ^= 1
			if err := os.WriteFile(name, block, 0o600); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("no block holds %q", text)
}

// shorten cuts bytes off the log's end, and takes away what the server noted of it when it ended.
func shorten(t *testing.T, dir string, bytes int64) {
	t.Helper()
	name := filepath.Join(dir, "1.blk")
	info, err := os.Stat(name)
	if err == nil {
		err = errors.Join(os.Truncate(name, info.Size()-bytes), os.Remove(filepath.Join(dir, "index.db")))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (g *ground) check() projection.Health {
	g.Helper()
	h, err := projection.Check(g.context(), g.nc, nil, view.Projections()...)
	if err != nil {
		g.Fatal(err)
	}
	return h
}

func TestOneFlippedByteOfTheLogIsFoundAndRefusedByARebuild(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		lost uint64
	}{{"the first event", 1}, {"one in the middle", 600}, {"the last event", 1200}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := newGround(t)
			f := shares.New()
			g.provision(f)
			evs := history(1200)
			stop := g.run(g.connect(), f)
			last := g.happen(evs...)
			g.settle(last, view.Shares)
			g.acknowledged(f.Name, last)
			stop()
			if h := g.check(); !h.Sound() || h.Events != last || h.Last != last || h.Err() != nil {
				t.Fatalf("the log is not sound before: %+v", h)
			}
			g.damaged(func(dir string) { flip(t, dir, `ce-id: `+evs[row.lost-1].ID+"\r") })

			h := g.check()
			if len(h.Lost) != 1 || h.Lost[0].From != row.lost || h.Lost[0].To != row.lost || h.Missing() != 1 ||
				h.Events != last-1 {
				t.Fatalf("found is %+v", h)
			}
			if l := h.Lost[0]; l.After.IsZero() != (row.lost == 1) || l.Before.IsZero() != (row.lost == last) {
				t.Errorf("its neighbours: %v, %v", l.After, l.Before)
			}
			if err := h.Err(); !errors.Is(err, events.ErrLost) {
				t.Errorf("it says %v", err)
			}
			before, _ := g.visible(view.Shares)
			if err := projection.Rebuild(g.context(), g.nc, nil, shares.Projection()); !errors.Is(err, events.ErrLost) {
				t.Fatalf("a rebuild: %v", err)
			}
			if after, others := g.visible(view.Shares); !maps.Equal(before, after) || others != 0 {
				t.Errorf("a rebuild that refuses changed something")
			}
			if err := projection.RebuildDespiteLoss(g.context(), g.nc, nil, shares.Projection()); err != nil {
				t.Fatal(err)
			}
			same(g, shares.Projection()) // with a replay that lacks it, too
		})
	}
}

func TestALogThatLostItsEndIsFoundByItsProjections(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	f := shares.New()
	g.provision(f)
	stop := g.run(g.connect(), f)
	evs := history(1210)
	last := g.happen(evs[:1200]...)
	g.settle(last, view.Shares)
	g.acknowledged(f.Name, last)
	stop()
	g.damaged(func(dir string) { shorten(t, dir, 1000) })

	for name, look := range map[string]func() (projection.Health, error){
		"at a glance": func() (projection.Health, error) {
			return projection.QuickCheck(g.context(), g.nc, view.Projections()...)
		},
		"in a check": func() (projection.Health, error) {
			return projection.Check(g.context(), g.nc, nil, view.Projections()...)
		},
	} {
		h, err := look()
		if err != nil {
			t.Fatal(err)
		}
		if len(h.Ahead) != 1 || h.Ahead[0].Position != last || h.Last >= last || h.Missing() != last-h.Last ||
			!errors.Is(h.Err(), events.ErrLost) {
			t.Errorf("%s: %+v", name, h)
		}
	}
	if err := projection.Rebuild(g.context(), g.nc, nil, shares.Projection()); !errors.Is(err, events.ErrLost) {
		t.Fatalf("a rebuild: %v", err)
	}
	if err := projection.RebuildDespiteLoss(g.context(), g.nc, nil, shares.Projection()); err != nil {
		t.Fatal(err)
	}
	same(g, shares.Projection())
	if h := g.check(); !h.Sound() {
		t.Errorf("and then: %+v", h)
	}
}

// A live fold goes on over what is lost, whether it meets it event by event or many at once.
func TestTheLiveFoldGoesOnWithoutWhatIsLost(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	f := shares.New()
	g.provision(f)
	evs := history(300)
	g.happen(evs[:250]...)
	g.damaged(func(dir string) {
		flip(t, dir, `ce-id: `+evs[99].ID+"\r")
		flip(t, dir, `ce-id: `+evs[239].ID+"\r")
	})
	g.run(g.connect(), shares.New())
	last := g.happen(evs[250:]...)
	g.settle(last, view.Shares)
	same(g, shares.Projection())
}

func TestWhatIsNoEventIsFound(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.happen(history(10)...)
	at := g.publish(&nats.Msg{Subject: "natster.events.a.b.c.d", Data: []byte("?")})
	h := g.check()
	if h.Sound() || len(h.Bad) != 1 || h.Bad[0].Position != at || h.Bad[0].Logged.IsZero() ||
		!errors.Is(h.Err(), events.ErrEvent) {
		t.Errorf("found is %+v", h)
	}
}

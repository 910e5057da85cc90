package stats_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"natster/functions"
	"natster/functions/stats"
	"natster/functions/view"
	"natster/internal/jet"
	"natster/internal/test/functionstest"
)

// counting returns the function as far as it counts, with its buckets.
func counting(t *testing.T) (stats.Counter, *functionstest.Bench) {
	t.Helper()
	b := functionstest.Bare(t)
	if err := functions.Provision(t.Context(), b.JS, 1, stats.New()); err != nil {
		t.Fatal(err)
	}
	h, err := functions.Open(b.Admin, jet.Own)
	if err != nil {
		t.Fatal(err)
	}
	return stats.NewCounter(h), b
}

// A catalog that is online may stay so for ever: without its mark its next heartbeat would count again.
func TestTheMarkOfWhatIsOnlineStays(t *testing.T) {
	f, b := counting(t)
	key := view.PresenceKey(alice, films)
	if err := f.Keep(t.Context(), key, view.OnlineMark{Online: true, At: 5}); err != nil {
		t.Fatal(err)
	}
	marks := b.Raw(view.Online.Stream())
	if len(marks) != 1 || marks[0].Header.Get(jetstream.MsgTTLHeader) != "" {
		t.Errorf("%d marks; the last: %v", len(marks), marks[len(marks)-1].Header)
	}
}

// An instance that was thought dead may come late with an older mark.
func TestAnOlderMarkTakesNoLaterOnesPlace(t *testing.T) {
	f, _ := counting(t)
	key, later := view.PresenceKey(alice, films), view.OnlineMark{Online: true, At: 5}
	for _, mark := range []view.OnlineMark{later, {At: 3}, {At: 5}} {
		if err := f.Keep(t.Context(), key, mark); err != nil {
			t.Fatal(err)
		}
	}
	if _, mark, err := f.Counted(t.Context(), key); err != nil || mark != later {
		t.Errorf("the mark is %+v, %v", mark, err)
	}
	latest := view.OnlineMark{At: 7}
	if err := f.Keep(t.Context(), key, latest); err != nil {
		t.Fatal(err)
	}
	if _, mark, err := f.Counted(t.Context(), key); err != nil || mark != latest {
		t.Errorf("the mark is %+v, %v", mark, err)
	}
}

// The mark beside the total is its catalog's latest, and no other's.
func TestTheMarkBesideTheTotalIsOfItsCatalogOnly(t *testing.T) {
	f, _ := counting(t)
	at := func(n int64) time.Time { return time.Unix(0, n) }
	one, two := view.PresenceKey(alice, films), view.PresenceKey(bob, films)
	for _, step := range []struct {
		change functions.Change
		total  int64
	}{
		{functions.Change{Key: one, Time: at(10)}, 1},
		{functions.Change{Key: two, Time: at(5)}, 2},
		{functions.Change{Key: one, Time: at(11)}, 2},
		{functions.Change{Key: two, Gone: true, Time: at(6)}, 1},
		{functions.Change{Key: one, Gone: true, Time: at(9)}, 1}, // of before it came
		{functions.Change{Key: one, Gone: true, Time: at(12)}, 0},
	} {
		if err := f.Observe(t.Context(), step.change); err != nil {
			t.Fatal(err)
		}
		if total, _, err := f.Counted(t.Context(), one); err != nil || total != step.total {
			t.Errorf("after %+v the total is %d, %v; want %d", step.change, total, err, step.total)
		}
	}
}

// At a start what is still there stays counted, and the catalog whose mark is beside the total is looked at, too.
func TestAStartCountsOffWhatIsGoneAndNothingElse(t *testing.T) {
	for name, gone := range map[string]bool{"still there": false, "gone": true} {
		t.Run(name, func(t *testing.T) {
			f, b := counting(t)
			key := view.PresenceKey(alice, films)
			if err := f.Observe(t.Context(), functions.Change{Key: key, Time: time.Unix(0, 1)}); err != nil {
				t.Fatal(err)
			}
			want := int64(0)
			if !gone {
				want = 1
				if _, err := view.Put(t.Context(), b.JS, view.Presence, key, []byte(`{}`)); err != nil {
					t.Fatal(err)
				}
			}
			if err := f.Reconcile(t.Context()); err != nil {
				t.Fatal(err)
			}
			if total, _, err := f.Counted(t.Context(), key); err != nil || total != want {
				t.Errorf("the total is %d, %v; want %d", total, err, want)
			}
		})
	}
}

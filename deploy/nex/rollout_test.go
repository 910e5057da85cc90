package nex_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"natster/deploy/nex"
	"natster/functions/api"
	"natster/internal/test/nexlettest"
	"natster/internal/test/nextest"
	"natster/internal/test/wait"
	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

func TestUpStartsWhatLacksAndLeavesWhatIsRight(t *testing.T) {
	s := nexlettest.Start(t, echoing)
	s.Node(nextest.Config{})
	c := s.Client("")
	steps, err := c.Up(t.Context(), wants(), nex.Options{})
	if err != nil || !slices.Equal(actions(steps), []string{"started prober", "started other"}) {
		t.Fatalf("%v, %v", actions(steps), err)
	}
	if steps[0].Node != "natster-1" {
		t.Errorf("on %q", steps[0].Node)
	}
	answers(t, s)
	steps, err = c.Up(t.Context(), wants(), nex.Options{})
	if err != nil || !slices.Equal(actions(steps), []string{"kept prober", "kept other"}) {
		t.Fatalf("again: %v, %v", actions(steps), err)
	}
	changed := wants()
	changed[0].Start.Config = &spec.Config{Most: 7}
	steps, err = c.Up(t.Context(), changed, nex.Options{})
	if err != nil || !slices.Equal(actions(steps), []string{"started prober", "stopped prober", "kept other"}) {
		t.Fatalf("changed: %v, %v", actions(steps), err)
	}
	status, err := c.Status(t.Context(), wants())
	if err != nil || status[0].Verdict != nex.Changed || status[1].Verdict != nex.OK {
		t.Errorf("%+v, %v", status, err)
	}
	steps, err = c.Restart(t.Context(), changed[:1], nex.Options{})
	if err != nil || !slices.Equal(actions(steps), []string{"started prober", "stopped prober"}) {
		t.Errorf("restart: %v, %v", actions(steps), err)
	}
	answers(t, s)
	steps, err = c.Down(t.Context(), nil, nex.Options{})
	slices.SortFunc(steps, func(a, b nex.Step) int { return strings.Compare(a.Name, b.Name) })
	if err != nil || !slices.Equal(actions(steps), []string{"stopped other", "stopped prober"}) {
		t.Errorf("down: %v, %v", actions(steps), err)
	}
	status, err = c.Status(t.Context(), wants())
	if err != nil || status[0].Verdict != nex.Missing {
		t.Errorf("%+v, %v", status, err)
	}
	if _, err = c.Down(t.Context(), []string{"prober"}, nex.Options{}); !errors.Is(err, nex.ErrNotFound) {
		t.Errorf("down again: %v", err)
	}
	if _, err = c.Restart(t.Context(), changed[:1], nex.Options{}); !errors.Is(err, nex.ErrNotFound) {
		t.Errorf("restart of nothing: %v", err)
	}
}

func TestInstancesAreSpreadOverNodes(t *testing.T) {
	s := nexlettest.Start(t, echoing)
	s.Node(nextest.Config{Name: "one", Tags: wire.Tags{"zone": "a"}})
	s.Node(nextest.Config{Name: "two", Tags: wire.Tags{"zone": "b"}})
	c := s.Client("")
	steps, err := c.Up(t.Context(), wants(), nex.Options{Replicas: 2})
	if err != nil {
		t.Fatal(err)
	}
	on := map[string]int{}
	for _, st := range steps {
		on[st.Name+" on "+st.Node]++
	}
	if len(steps) != 4 || len(on) != 4 {
		t.Errorf("spread as %v", on)
	}
	steps, err = c.Up(t.Context(), one("prober"), nex.Options{Replicas: 1})
	if err != nil || !slices.Equal(actions(steps), []string{"kept prober", "stopped prober"}) {
		t.Errorf("fewer: %v, %v", actions(steps), err)
	}
	answers(t, s)
	steps, err = c.Up(
		t.Context(),
		[]nex.Want{{Name: "third", Start: spec.Start{Function: "other"}}},
		nex.Options{Tags: wire.Tags{"zone": "b"}},
	)
	if err != nil || steps[0].Node != "two" {
		t.Errorf("by tags: %+v, %v", steps, err)
	}
	_, err = c.Up(
		t.Context(),
		[]nex.Want{{Name: "fourth", Start: spec.Start{Function: "other"}}},
		nex.Options{Tags: wire.Tags{"zone": "c"}},
	)
	if !errors.Is(err, nex.ErrNoBid) || !strings.Contains(err.Error(), `its tag zone is "a", not "c"`) {
		t.Errorf("no such zone: %v", err)
	}
}

func TestWhatHasOtherTagsMoves(t *testing.T) {
	s := nexlettest.Start(t, echoing)
	s.Node(nextest.Config{Name: "one", Tags: wire.Tags{"zone": "a"}})
	c := s.Client("")
	if _, err := c.Up(t.Context(), one("prober"), nex.Options{}); err != nil {
		t.Fatal(err)
	}
	inB := nex.Options{Tags: wire.Tags{"zone": "b"}}
	steps, err := c.Up(t.Context(), one("prober"), inB)
	if !errors.Is(err, nex.ErrNoBid) || !slices.Equal(actions(steps), []string{"failed prober"}) {
		t.Fatalf("without such a node: %v, %v", actions(steps), err)
	}
	answers(t, s)
	s.Node(nextest.Config{Name: "two", Tags: wire.Tags{"zone": "b"}})
	steps, err = c.Up(t.Context(), one("prober"), inB)
	if err != nil || !slices.Equal(actions(steps), []string{"started prober", "stopped prober"}) {
		t.Fatalf("%v, %v", actions(steps), err)
	}
	if steps[0].Node != "two" || steps[1].Why != "its node has other tags" {
		t.Errorf("%+v", steps)
	}
	answers(t, s)
	inB.Environment = map[string]string{"A": "b"}
	steps, err = c.Up(t.Context(), one("prober"), inB)
	if err != nil || len(steps) != 1 || !strings.Contains(steps[0].Why, "deploy restart") {
		t.Errorf("an environment for what runs: %+v, %v", steps, err)
	}
}

func TestManyFailuresAreToldShortly(t *testing.T) {
	s := nexlettest.Start(t, echoing)
	s.Node(nextest.Config{})
	var many []nex.Want
	for _, name := range []string{"a", "b", "c", "d"} {
		many = append(many, nex.Want{Name: name, Start: spec.Start{Function: "nosuch"}})
	}
	_, err := s.Client("").Up(t.Context(), many, nex.Options{})
	if !errors.Is(err, nex.ErrSchema) || !strings.HasSuffix(err.Error(), "; and 3 more failed: b, c, d") {
		t.Error(err)
	}
}

func TestWhatIsOnALameduckMovesAway(t *testing.T) {
	s := nexlettest.Start(t, echoing)
	one := s.Node(nextest.Config{Name: "one"})
	c := s.Client("")
	if _, err := c.Up(t.Context(), wants(), nex.Options{}); err != nil {
		t.Fatal(err)
	}
	s.Node(nextest.Config{Name: "two"})
	if err := c.Lameduck(t.Context(), "one", 30*time.Second); err != nil {
		t.Fatal(err)
	}
	steps, err := c.Up(t.Context(), wants(), nex.Options{})
	if err != nil ||
		!slices.Equal(actions(steps), []string{"started prober", "stopped prober", "started other", "stopped other"}) {
		t.Fatalf("%v, %v", actions(steps), err)
	}
	if steps[0].Node != "two" {
		t.Errorf("to %s", steps[0].Node)
	}
	one.Stop()
	answers(t, s)
}

func TestWhatDoesNotBecomeReadyIsStoppedAgain(t *testing.T) {
	s := nexlettest.Start(t, echoing)
	s.Node(nextest.Config{})
	s.Spoil("prober")
	c := s.Client("")
	steps, err := c.Up(t.Context(), wants(), nex.Options{})
	if !errors.Is(err, nex.ErrNotReady) || !strings.Contains(err.Error(), "prober") {
		t.Fatalf("%v, %v", actions(steps), err)
	}
	if !slices.Equal(actions(steps), []string{"failed prober", "started other"}) {
		t.Errorf("%v", actions(steps))
	}
	if left, err := c.List(t.Context()); err != nil || len(left) != 1 {
		t.Errorf("half deployed: %v, %v", left, err)
	}
}

// TestARollingUpgradeLosesNoRequest moves everything from an old nexlet to a new one while requests go on: none of them
// is made twice, and all are answered.
func TestARollingUpgradeLosesNoRequest(t *testing.T) {
	s := nexlettest.Start(t, echoing)
	old := s.Node(nextest.Config{Name: "old"})
	c := s.Client("")
	if _, err := c.Up(t.Context(), wants(), nex.Options{}); err != nil {
		t.Fatal(err)
	}
	conn := s.Account("alice").Conn(t)
	ctx, stop := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	var count atomic.Int64
	for range 4 {
		busy.Go(func() {
			client := api.NewClient(conn)
			for ctx.Err() == nil {
				once, cancel := context.WithTimeout(context.WithoutCancel(ctx), wait.Patience)
				if _, err := api.Call(once, client, probe, word{"hello"}); err != nil {
					t.Errorf("request %d: %v", count.Load(), err)
				}
				cancel()
				count.Add(1)
			}
		})
	}
	s.Node(nextest.Config{Name: "new"})
	if err := c.Lameduck(t.Context(), "old", time.Minute); err != nil {
		t.Error(err)
	}
	if steps, err := c.Up(t.Context(), wants(), nex.Options{}); err != nil || steps[0].Node != "new" {
		t.Errorf("%v, %v", steps, err)
	}
	old.Stop()
	<-old.Child(0).Done()
	before := count.Load()
	for tick := time.NewTicker(10 * time.Millisecond); count.Load() < before+100; {
		<-tick.C
	}
	stop()
	busy.Wait()
	t.Logf("%d requests", count.Load())
}

func TestNodesThatAreCalledTheSameAreToldApart(t *testing.T) {
	s := nexlettest.Start(t, echoing)
	s.Node(nextest.Config{})
	s.Node(nextest.Config{})
	c := s.Client("")
	if _, err := c.Up(t.Context(), wants(), nex.Options{Replicas: 2}); err != nil {
		t.Fatal(err)
	}
	all, err := c.List(t.Context())
	if err != nil || len(all) != 4 {
		t.Fatalf("%v, %v", all, err)
	}
	on := map[string]bool{}
	for _, w := range all {
		on[w.Name+" on "+w.Metadata["node"]] = true
	}
	if len(on) != 4 {
		t.Errorf("spread as %v", on)
	}
	answers(t, s)
}

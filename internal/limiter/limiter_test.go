package limiter

import "testing"

func TestALimiterBoundsTheTotalAndEachAccount(t *testing.T) {
	const alice, bob = "alice", "bob"
	l := New[string](3, 2)
	for i, step := range []struct {
		who  string
		want bool
	}{{alice, true}, {alice, true}, {alice, false}, {bob, true}, {bob, false}} {
		if got := l.Enter(step.who); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
	if all, own := l.InFlight(alice); all != 3 || own != 2 {
		t.Errorf("%d are in flight, %d of them alice's", all, own)
	}
	l.Leave(alice)
	if !l.Enter(bob) || l.Enter(alice) {
		t.Error("a place that was left is not given to the next")
	}
	l.Leave(alice)
	l.Leave(bob)
	l.Leave(bob)
	if l.all != 0 || len(l.inFlight) != 0 {
		t.Errorf("%d are still in flight, %v", l.all, l.inFlight)
	}
}

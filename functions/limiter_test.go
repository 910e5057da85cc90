package functions

import (
	"testing"

	"natster/events"
	"natster/internal/test/eventstest"
)

func TestALimiterBoundsTheTotalAndEachAccount(t *testing.T) {
	alice, bob := events.Account{}, eventstest.Account(t) // other functions ask as no account
	r := newLimiter(3, 2)
	for i, step := range []struct {
		who  events.Account
		want bool
	}{{alice, true}, {alice, true}, {alice, false}, {bob, true}, {bob, false}} {
		if got := r.enter(step.who); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
	r.leave(alice)
	if !r.enter(bob) || r.enter(alice) {
		t.Error("a place that was left is not given to the next")
	}
	r.leave(alice)
	r.leave(bob)
	r.leave(bob)
	if r.all != 0 || len(r.inFlight) != 0 {
		t.Errorf("%d are still in flight, %v", r.all, r.inFlight)
	}
}

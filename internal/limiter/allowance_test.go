package limiter

import (
	"testing"
	"time"
)

func TestAnAllowanceComesBackWithTime(t *testing.T) {
	const alice = "alice"
	a := NewAllowance[string](2, 4)
	at := time.Unix(1732082400, 0)
	for i, step := range []struct {
		later time.Duration
		wait  time.Duration
	}{
		{0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 500 * time.Millisecond}, // the burst
		{499 * time.Millisecond, time.Millisecond}, {time.Millisecond, 0}, // half a second for one
		{0, 500 * time.Millisecond},
		{-time.Hour, time.Hour + 500*time.Millisecond}, // a clock that goes back gives nothing
		{time.Hour + time.Second, 0}, {0, 0}, {0, 500 * time.Millisecond},
		{time.Hour, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 500 * time.Millisecond}, // never more than the burst
	} {
		at = at.Add(step.later)
		if got := a.Take(alice, at); got != step.wait {
			t.Errorf("step %d: %v", i, got)
		}
	}
}

func TestAnAllowanceForgetsWhoRests(t *testing.T) {
	a := NewAllowance[int](1, 10)
	at := time.Unix(1732082400, 0)
	for i := range 100 {
		a.Take(i, at)
	}
	a.Take(100, at.Add(10*time.Second))
	if n := len(a.spent); n != 1 {
		t.Errorf("%d accounts are remembered", n)
	}
}

func TestWhatIsGivenBackCanBeTakenAgain(t *testing.T) {
	a := NewAllowance[string](1, 10)
	at := time.Unix(1732082400, 0)
	if wait := a.TakeSome("alice", 10, at); wait != 0 {
		t.Fatal(wait)
	}
	a.GiveBack("alice", 4, at)
	if wait := a.TakeSome("alice", 5, at); wait != time.Second {
		t.Errorf("one too many: %s", wait)
	}
	if wait := a.TakeSome("alice", 4, at); wait != 0 {
		t.Errorf("what was given back: %s", wait)
	}
	a.GiveBack("alice", 100, at) // more than was taken
	if wait := a.TakeSome("alice", 11, at); wait == 0 {
		t.Error("never more than the burst")
	}
}

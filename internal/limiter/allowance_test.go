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
		want  bool
	}{
		{0, true}, {0, true}, {0, true}, {0, true}, {0, false}, // the burst
		{499 * time.Millisecond, false}, {time.Millisecond, true}, {0, false}, // half a second for one
		{-time.Hour, false}, // a clock that goes back gives nothing
		{time.Hour + time.Second, true}, {0, true}, {0, false},
		{time.Hour, true}, {0, true}, {0, true}, {0, true}, {0, false}, // never more than the burst
	} {
		at = at.Add(step.later)
		if got := a.Take(alice, at); got != step.want {
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

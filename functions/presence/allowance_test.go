package presence

import (
	"fmt"
	"testing"
	"time"

	"natster/internal/test/eventstest"
)

func TestAnAllowanceComesBackWithTime(t *testing.T) {
	alice := eventstest.Account(t)
	a := newAllowance(2, 4)
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
		if got := a.take(alice, at); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
}

func TestAnAllowanceForgetsWhoRests(t *testing.T) {
	a := newAllowance(1, 10)
	at := time.Unix(1732082400, 0)
	for range 100 {
		a.take(eventstest.Account(t), at)
	}
	a.take(eventstest.Account(t), at.Add(10*time.Second))
	if n := len(a.spent); n != 1 {
		t.Errorf("%d accounts are remembered", n)
	}
}

func ExampleNew() {
	f := New()
	fmt.Println(f.Name+":", f.Doc)
	fmt.Println("writes", f.Access.Writes[0].Name)
	// Output:
	// presence: keeps which catalogs are being served, by the heartbeats of their owners
	// writes presence
}

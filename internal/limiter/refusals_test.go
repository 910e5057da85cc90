package limiter

import (
	"testing"
	"time"
)

func TestWhoIsRefusedAgainAndAgainIsAnsweredLater(t *testing.T) {
	const alice, bob = "alice", "bob"
	at := time.Unix(1732082400, 0)
	sent := make(map[string]int)
	r := NewRefusals[string](func() time.Time { return at }, func(reply string) { sent[reply]++ })
	refuse := func(n int) {
		for range n {
			r.Refuse(alice, "alice")
		}
	}
	check := func(when string, want int) {
		t.Helper()
		if sent["alice"] != want {
			t.Errorf("%s: %d refusals are sent, want %d", when, sent["alice"], want)
		}
	}
	later := func(d time.Duration) (more bool) {
		at = at.Add(d)
		now, more := r.due()
		for _, x := range now {
			r.send(x)
		}
		return more
	}
	refuse(refusalsAtOnce + 150)
	check("at once", refusalsAtOnce)
	r.Refuse(bob, "bob")
	if sent["bob"] != 1 {
		t.Error("bob is refused later, because of alice")
	}
	if !later(time.Second) {
		t.Error("nothing is left after a second")
	}
	check("a second later", refusalsAtOnce+refusalsPerSecond)
	if later(time.Second) {
		t.Error("something is left after two seconds")
	}
	check("two seconds later", refusalsAtOnce+150)
	refuse(refusalsLate + 1000)
	r.Flush()
	if n := sent["alice"] - refusalsAtOnce - 150; n < refusalsLate || n > refusalsLate+refusalsPerSecond {
		t.Errorf("%d of so many are remembered", n)
	}
	if len(r.late) != 0 {
		t.Error("something is late after a flush")
	}
}

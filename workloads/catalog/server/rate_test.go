package server

import (
	"testing"
	"time"

	"natster/events"
	"natster/internal/test/eventstest"
)

func TestAnAccountGetsItsBurstAndThenItsRate(t *testing.T) {
	alice, bob := eventstest.Account(t), eventstest.Account(t)
	now := time.Unix(1e9, 0)
	r := newRates(10, 2)
	take := func(a events.Account, n int) (got int, wait time.Duration) {
		for range n {
			if w := r.take(a, now); w > 0 {
				wait = w
			} else {
				got++
			}
		}
		return got, wait
	}
	if got, wait := take(alice, 100); got != 10 || wait != 500*time.Millisecond {
		t.Errorf("alice got %d at once, and is to wait %v", got, wait)
	}
	if got, _ := take(bob, 10); got != 10 {
		t.Errorf("bob, who asked for nothing yet, got %d", got)
	}
	now = now.Add(3 * time.Second)
	if got, _ := take(alice, 100); got != 6 {
		t.Errorf("after 3 s alice got %d more", got)
	}
	now = now.Add(-time.Hour) // the clock was set
	if got, _ := take(alice, 1); got != 0 {
		t.Errorf("alice got %d for nothing", got)
	}
	now = now.Add(2 * time.Hour)
	if got, _ := take(alice, 100); got != 10 {
		t.Errorf("after an hour alice got %d at once", got)
	}
}

func TestThoseWhoAskNoMoreAreForgotten(t *testing.T) {
	now := time.Unix(1e9, 0)
	r := newRates(10, 2)
	for range 3000 {
		now = now.Add(time.Second)
		r.take(eventstest.Account(t), now)
	}
	if n := len(r.of); n > 1100 {
		t.Errorf("%d are remembered", n)
	}
}

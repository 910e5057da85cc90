package functions

import (
	"errors"
	"slices"
	"testing"
	"time"

	"natster/events"
	"natster/functions/api"
	"natster/internal/test/eventstest"
)

func TestTurnsGoRoundAmongAccounts(t *testing.T) {
	alice, bob, carol := eventstest.Account(t), eventstest.Account(t), eventstest.Account(t)
	q := newQueue(3, 2)
	running := make(map[events.Account][]*job)
	add := func(a events.Account) bool {
		t.Helper()
		j := &job{from: a, weight: 1}
		start, err := q.add(j)
		if err != nil {
			t.Fatal(err)
		}
		if start {
			running[a] = append(running[a], j)
		}
		return start
	}
	end := func(a events.Account) (next events.Account) {
		t.Helper()
		j := running[a][0]
		running[a] = running[a][1:]
		for _, n := range q.done(j) {
			running[n.from] = append(running[n.from], n)
			next = n.from
		}
		return next
	}
	for i := range 6 { // two run, four wait
		if add(alice) != (i < 2) {
			t.Fatalf("alice's request %d", i)
		}
	}
	if !add(bob) || add(bob) || add(bob) || add(carol) { // one is the third handler, the rest waits
		t.Fatal("bob is handled, and then all handlers are busy")
	}
	var order []events.Account
	for range 4 {
		order = append(order, end(alice)) // always another's turn, although alice waits with most
		if len(running[alice]) == 0 {
			break
		}
	}
	if want := []events.Account{bob, carol}; !slices.Equal(order[:2], want) {
		t.Errorf("after alice's requests come those of %v; want bob and carol", order)
	}
	for len(running[alice])+len(running[bob])+len(running[carol]) > 0 {
		for _, a := range []events.Account{alice, bob, carol} {
			if len(running[a]) > 0 {
				end(a)
			}
			if len(running[a]) > 2 {
				t.Fatalf("%d handlers work for one account", len(running[a]))
			}
		}
	}
	if q.running != 0 || q.waiting != 0 || len(q.lines) != 0 || len(q.turns) != 0 {
		t.Errorf("the empty queue is %+v", q)
	}
}

func TestAHandlerThatOnlyWaitsIsFree(t *testing.T) {
	alice := eventstest.Account(t)
	q := newQueue(1, 1)
	first, second := &job{from: alice, weight: 1}, &job{from: alice, weight: 1}
	if start, _ := q.add(first); !start {
		t.Fatal("the first does not start")
	}
	if start, _ := q.add(second); start {
		t.Fatal("the second starts")
	}
	if next := q.release(first); len(next) != 1 || next[0] != second {
		t.Fatal("the second does not start")
	}
	if q.release(first) != nil || q.done(first) != nil || q.done(second) != nil {
		t.Error("the second does not start exactly once")
	}
	if q.running != 0 || len(q.lines) != 0 {
		t.Errorf("the empty queue is %+v", q)
	}
}

func TestTheQueueHasRoomForEveryAccountButNotForEverything(t *testing.T) {
	alice, bob, carol := eventstest.Account(t), eventstest.Account(t), eventstest.Account(t)
	q := newQueue(1, 2)
	q.room, q.ownRoom, q.pace = 5, 4, time.Second
	add := func(a events.Account, n int) (err error) {
		for range n {
			if _, err = q.add(&job{from: a, weight: 1}); err != nil {
				return err
			}
		}
		return nil
	}
	full := func(err error, wait time.Duration) {
		t.Helper()
		refusal, is := errors.AsType[*api.Error](err)
		if !is || !errors.Is(err, api.ErrTooMany) || refusal.RetryAfter != wait {
			t.Errorf("%v; want a refusal for %s", err, wait)
		}
	}
	if err := add(alice, 5); err != nil { // one is handled
		t.Fatal(err)
	}
	full(add(alice, 1), 2*time.Second) // four wait, for two handlers
	if err := add(bob, 2); err != nil {
		t.Fatal(err)
	}
	full(add(bob, 1), 6*time.Second) // six wait in all, for one
	if err := add(carol, 2); err != nil {
		t.Errorf("who waits with little has room: %v", err)
	}
	full(add(carol, 1), 8*time.Second)
	if err := add(events.Account{}, 2); err != nil {
		t.Errorf("functions: %v", err)
	}
}

func TestAHeavyRequestCountsAsSeveral(t *testing.T) {
	alice, bob := eventstest.Account(t), eventstest.Account(t)
	q := newQueue(8, 4)
	heavy := func(a events.Account) *job { return &job{from: a, weight: 3} }
	first, second := heavy(alice), heavy(alice)
	if start, _ := q.add(first); !start {
		t.Fatal("the first does not start")
	}
	if start, _ := q.add(second); start {
		t.Fatal("two heavy ones are handled at once")
	}
	if start, _ := q.add(&job{from: bob, weight: 9}); !start {
		t.Error("one that is heavier than all that an account may have is not handled alone")
	}
	if next := q.done(first); next != nil {
		t.Errorf("%d start where all handlers are busy", len(next))
	}
}

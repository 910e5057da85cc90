package limiter

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// newQueue returns a queue of which functions, the account "", have four times what others may.
func newQueue(handlers, perAccount int) *Queue[string] {
	return NewQueue(Bounds[string]{Handlers: handlers, Room: 100, OwnRoom: 100, PerAccount: func(a string) int {
		if a == "" {
			return 4 * perAccount
		}
		return perAccount
	}})
}

func TestTurnsGoRoundAmongAccounts(t *testing.T) {
	const alice, bob, carol = "alice", "bob", "carol"
	q := newQueue(3, 2)
	running := make(map[string][]*Job[string])
	add := func(a string) bool {
		t.Helper()
		j := &Job[string]{From: a, Weight: 1}
		start, err := q.add(j)
		if err != nil {
			t.Fatal(err)
		}
		if start {
			running[a] = append(running[a], j)
		}
		return start
	}
	end := func(a string) (next string) {
		t.Helper()
		j := running[a][0]
		running[a] = running[a][1:]
		for _, n := range q.done(j) {
			running[n.From] = append(running[n.From], n)
			next = n.From
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
	var order []string
	for range 4 {
		order = append(order, end(alice)) // always another's turn, although alice waits with most
		if len(running[alice]) == 0 {
			break
		}
	}
	if want := []string{bob, carol}; !slices.Equal(order[:2], want) {
		t.Errorf("after alice's requests come those of %v; want bob and carol", order)
	}
	for len(running[alice])+len(running[bob])+len(running[carol]) > 0 {
		for _, a := range []string{alice, bob, carol} {
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
	const alice = "alice"
	q := newQueue(1, 1)
	first, second := &Job[string]{From: alice, Weight: 1}, &Job[string]{From: alice, Weight: 1}
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
	const alice, bob, carol = "alice", "bob", "carol"
	q := newQueue(1, 2)
	q.bounds.Room, q.bounds.OwnRoom, q.lately = 5, 4, time.Second
	add := func(a string, n int) (err error) {
		for range n {
			if _, err = q.add(&Job[string]{From: a, Weight: 1}); err != nil {
				return err
			}
		}
		return nil
	}
	full := func(err error, own bool, wait time.Duration) {
		t.Helper()
		if is, ok := errors.AsType[*Full](err); !ok || *is != (Full{Own: own, Wait: wait}) {
			t.Errorf("%v; want a refusal for %s", err, wait)
		}
	}
	if err := add(alice, 5); err != nil { // one is handled
		t.Fatal(err)
	}
	full(add(alice, 1), true, 2*time.Second) // four wait, for two handlers
	if err := add(bob, 2); err != nil {
		t.Fatal(err)
	}
	full(add(bob, 1), false, 6*time.Second) // six wait in all, for one
	if err := add(carol, 2); err != nil {
		t.Errorf("who waits with little has room: %v", err)
	}
	full(add(carol, 1), false, 8*time.Second)
	if err := add("", 2); err != nil {
		t.Errorf("functions: %v", err)
	}
}

func TestAHeavyRequestCountsAsSeveral(t *testing.T) {
	const alice, bob = "alice", "bob"
	q := newQueue(8, 4)
	heavy := func(a string) *Job[string] { return &Job[string]{From: a, Weight: 3} }
	first, second := heavy(alice), heavy(alice)
	if start, _ := q.add(first); !start {
		t.Fatal("the first does not start")
	}
	if start, _ := q.add(second); start {
		t.Fatal("two heavy ones are handled at once")
	}
	if start, _ := q.add(&Job[string]{From: bob, Weight: 9}); !start {
		t.Error("one that is heavier than all that an account may have is not handled alone")
	}
	if next := q.done(first); next != nil {
		t.Errorf("%d start where all handlers are busy", len(next))
	}
}

func TestAQueueHandlesWhatItTookInBeforeItCloses(t *testing.T) {
	q := newQueue(2, 1)
	var handled atomic.Int32
	hold := make(chan struct{})
	for _, a := range []string{"alice", "bob", "alice", "bob", "carol"} {
		err := q.Add(&Job[string]{From: a, Weight: 1, Handle: func(time.Duration) { <-hold; handled.Add(1) }})
		if err != nil {
			t.Fatal(err)
		}
	}
	var closing sync.WaitGroup
	closing.Go(q.Close)
	close(hold)
	closing.Wait()
	if n := handled.Load(); n != 5 {
		t.Errorf("%d of 5 are handled", n)
	}
	if err := q.Add(&Job[string]{From: "alice", Weight: 1}); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed queue takes in more: %v", err)
	}
}

// The clock is the bubble's: it goes on when everybody waits.
func TestAnAccountIsHandledAtItsPaceAndOthersAreNotKeptWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const mallory, bob = "mallory", "bob"
		allowed := NewAllowance[string](10, 20)
		q := NewQueue(Bounds[string]{
			Handlers: 4, Room: 1000, OwnRoom: 100, PerAccount: func(string) int { return 2 },
			Pace: func(a string, weight int) time.Duration { return allowed.TakeSome(a, weight, time.Now()) },
		})
		var handled atomic.Int64
		ask := func(a string, weight int) error {
			return q.Add(&Job[string]{From: a, Weight: weight, Handle: func(time.Duration) {
				if a == mallory {
					handled.Add(int64(weight))
				}
			}})
		}
		flood := func() error {
			for {
				if err := ask(mallory, 2); err != nil {
					return err
				}
			}
		}
		err := flood()
		synctest.Wait()
		if n := handled.Load(); n != 20 {
			t.Errorf("%d of mallory's are handled at once; want 20", n)
		}
		if is, ok := errors.AsType[*Full](err); !ok || !is.Own {
			t.Errorf("the flood ends with %v", err)
		}
		for range 10 {
			time.Sleep(time.Second)
			began := time.Now()
			done := make(chan struct{})
			err := q.Add(&Job[string]{From: bob, Weight: 1, Handle: func(time.Duration) { close(done) }})
			if err != nil {
				t.Fatal(err)
			}
			<-done
			if waited := time.Since(began); waited != 0 {
				t.Errorf("bob waits for %s", waited)
			}
		}
		if n := handled.Load(); n < 118 || n > 120 {
			t.Errorf("%d of mallory's are handled within 10 s; want the 20 at once, and 10 a second in twos", n)
		}
		if is, ok := errors.AsType[*Full](flood()); !ok || is.Wait < 5*time.Second || is.Wait > 10*time.Second {
			t.Errorf("mallory, who waits with 100 requests, is told to come back in %s", is.Wait)
		}
		began := time.Now()
		q.Close()
		if took := time.Since(began); took != 0 {
			t.Errorf("the queue needs %s to close", took)
		}
		if q.running != 0 || q.waiting != 0 || len(q.lines) != 0 || len(q.turns) != 0 {
			t.Errorf("the closed queue is %+v", q)
		}
	})
}

package server

import (
	"testing"

	"natster/events"
	"natster/internal/test/eventstest"
)

// One session of an account has its turn every other time, however many another account has.
func TestAnAccountWithManySessionsHasNoMoreTurns(t *testing.T) {
	alice, bob := eventstest.Account(t), eventstest.Account(t)
	var r ring
	many := make(map[*session]int)
	for range 100 {
		s := &session{caller: alice}
		many[s] = 0
		r.push(s)
	}
	r.push(&session{caller: bob})
	turns := make(map[events.Account]int)
	for range 400 { // each session has always more to send
		s := r.pop()
		if s.caller == alice {
			many[s]++
		}
		turns[s.caller]++
		r.push(s)
	}
	if turns[alice] != 200 || turns[bob] != 200 {
		t.Errorf("%d turns of the account with 100 sessions, %d of that with one", turns[alice], turns[bob])
	}
	for _, n := range many {
		if n != 2 {
			t.Errorf("a session of the account with 100 had %d turns", n)
		}
	}
}

func TestARingGivesBackEachSessionOnce(t *testing.T) {
	accounts := []events.Account{{}, eventstest.Account(t), eventstest.Account(t)}
	var r ring
	in := make(map[*session]bool)
	for i := range 12 {
		s := &session{caller: accounts[i%len(accounts)]}
		in[s] = true
		r.push(s)
	}
	for range 12 {
		s := r.pop()
		if !in[s] {
			t.Fatalf("%p came twice, or was never there", s)
		}
		delete(in, s)
	}
	if s := r.pop(); s != nil || len(r.of) != 0 {
		t.Errorf("it is not empty: %v %v", s, r.of)
	}
}

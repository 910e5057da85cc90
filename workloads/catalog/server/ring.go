package server

import (
	"slices"

	"natster/events"
)

// A ring is the sessions with something to send, an account after the other and, of one account, a session after the
// other: an account with many sessions gets no more turns than one with a single session. Its zero value is empty. It
// is not safe for concurrent use.
type ring struct {
	turn []events.Account              // those that have sessions here, the next first
	of   map[events.Account][]*session // never an empty list
}

// push puts s behind the other sessions of its account, and the account, if it was not there, behind the others.
func (r *ring) push(s *session) {
	if r.of == nil {
		r.of = make(map[events.Account][]*session)
	}
	if len(r.of[s.caller]) == 0 {
		r.turn = append(r.turn, s.caller)
	}
	r.of[s.caller] = append(r.of[s.caller], s)
}

func (r *ring) empty() bool { return len(r.turn) == 0 }

// pop takes the session whose turn it is, or returns nil if there is none.
func (r *ring) pop() *session { return r.popAt(0) }

// popOwn takes the owner's session whose turn it is, out of turn, or returns nil if there is none.
func (r *ring) popOwn() *session { return r.popAt(slices.IndexFunc(r.turn, events.Account.IsZero)) }

// popAt takes the next session of the account that has its turn after i others.
func (r *ring) popAt(i int) *session {
	if i < 0 || i >= len(r.turn) {
		return nil
	}
	a := r.turn[i]
	if i == 0 {
		r.turn = r.turn[1:]
	} else {
		r.turn = slices.Delete(r.turn, i, i+1)
	}
	all := r.of[a]
	s := all[0]
	all[0] = nil
	if all = all[1:]; len(all) > 0 {
		r.of[a], r.turn = all, append(r.turn, a)
	} else {
		delete(r.of, a)
	}
	return s
}

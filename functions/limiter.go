package functions

import (
	"sync"

	"natster/events"
)

// A limiter bounds how many requests are in flight, in total and per account.
type limiter struct {
	total, perAccount int

	mu       sync.Mutex
	inFlight map[events.Account]int
	all      int
}

func newLimiter(total, perAccount int) *limiter {
	return &limiter{total: total, perAccount: perAccount, inFlight: make(map[events.Account]int)}
}

// enter reports whether one more request of the account may begin. If so, it is to leave at its end.
func (l *limiter) enter(a events.Account) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= l.total || l.inFlight[a] >= l.perAccount {
		return false
	}
	l.all++
	l.inFlight[a]++
	return true
}

func (l *limiter) leave(a events.Account) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.inFlight[a]--; l.inFlight[a] == 0 {
		delete(l.inFlight, a)
	}
}

package limiter

import "sync"

// A Limiter bounds how much is in flight, in total and per account. Its methods may be called concurrently.
type Limiter[Account comparable] struct {
	total, perAccount int

	mu       sync.Mutex
	inFlight map[Account]int // without those that have none
	all      int
}

// New returns a limiter that lets in total of all accounts together and perAccount of each.
func New[Account comparable](total, perAccount int) *Limiter[Account] {
	return &Limiter[Account]{total: total, perAccount: perAccount, inFlight: make(map[Account]int)}
}

// Enter reports whether one more of the account may begin. If so, [Limiter.Leave] is to be called at its end.
func (l *Limiter[Account]) Enter(a Account) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= l.total || l.inFlight[a] >= l.perAccount {
		return false
	}
	l.all++
	l.inFlight[a]++
	return true
}

// Leave ends what Enter let in.
func (l *Limiter[Account]) Leave(a Account) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.inFlight[a]--; l.inFlight[a] == 0 {
		delete(l.inFlight, a)
	}
}

// InFlight returns how much is in flight, of all accounts together and of this one.
func (l *Limiter[Account]) InFlight(a Account) (all, own int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all, l.inFlight[a]
}

package limiter

import (
	"math"
	"sync"
	"time"
)

// An Allowance lets each account take so much per second, and so much at once after a time of rest. It remembers only
// the accounts that have taken something lately. It is safe for concurrent use.
type Allowance[Account comparable] struct {
	perSecond, burst float64

	mu    sync.Mutex
	spent map[Account]spent
	swept time.Time
}

// spent is how much of the burst was spent at a time; it comes back with time.
type spent struct {
	amount float64
	at     time.Time
}

// NewAllowance returns an allowance of which every account has all; both numbers are at least 1.
func NewAllowance[Account comparable](perSecond, burst int64) *Allowance[Account] {
	return &Allowance[Account]{
		perSecond: float64(perSecond), burst: float64(burst), spent: make(map[Account]spent),
	}
}

// Take takes one and returns 0, or takes nothing and returns how long it is until there is one to take.
func (a *Allowance[Account]) Take(by Account, now time.Time) (wait time.Duration) {
	return a.TakeSome(by, 1, now)
}

// TakeSome is Take of so many, all or none. More than the burst is never to be had.
func (a *Allowance[Account]) TakeSome(by Account, some int, now time.Time) (wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sweep(now)
	s := a.spent[by]
	amount := a.owed(s, now)
	if lacks := amount + float64(some) - a.burst; lacks > 0 {
		wait = time.Duration(math.Ceil(lacks / a.perSecond * float64(time.Second)))
		return wait + max(0, s.at.Sub(now)) // a clock that went back gives nothing meanwhile
	}
	a.spent[by] = spent{amount + float64(some), now}
	return 0
}

// GiveBack gives back some of what was taken.
func (a *Allowance[Account]) GiveBack(by Account, some int, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.spent[by]
	amount := max(0, a.owed(s, now)-float64(some))
	a.spent[by] = spent{amount, now}
}

// owed is what is still spent of s at time now.
func (a *Allowance[Account]) owed(s spent, now time.Time) float64 {
	return max(0, s.amount-a.perSecond*max(0, now.Sub(s.at).Seconds()))
}

// sweep forgets, now and then, the accounts that have everything again.
func (a *Allowance[Account]) sweep(now time.Time) {
	if full := time.Duration(a.burst / a.perSecond * float64(time.Second)); now.Sub(a.swept) < full {
		return
	}
	a.swept = now
	for by, s := range a.spent {
		if a.owed(s, now) == 0 {
			delete(a.spent, by)
		}
	}
}

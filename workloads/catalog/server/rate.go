package server

import (
	"math"
	"sync"
	"time"

	"natster/events"
	"natster/functions/api"
)

// Pages of listings that an account gets: the burst is more than the largest listing has.
const (
	getsAtOnce    = 400
	getsPerSecond = 20
)

// rates bounds how often each account gets something: burst times at once, and then so many times a second.
type rates struct {
	burst, perSecond float64

	mu sync.Mutex
	of map[events.Account]rate // without those that may have the whole burst, now and then
}

// rate is how much an account had left at a time.
type rate struct {
	left float64
	at   time.Time
}

func newRates(burst, perSecond float64) *rates {
	return &rates{burst: burst, perSecond: perSecond, of: make(map[events.Account]rate)}
}

// take takes one from what the account may have, or returns how long it has to wait for it. Those that have been quiet
// for long are forgotten, so that memory is for those who ask.
func (r *rates) take(a events.Account, now time.Time) (wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	x, known := r.of[a]
	if !known {
		if len(r.of)%1024 == 1023 {
			r.forget(now)
		}
		x = rate{r.burst, now}
	}
	x = rate{r.leftAt(x, now), now}
	if x.left < 1 {
		r.of[a] = x
		return time.Duration((1 - x.left) / r.perSecond * float64(time.Second))
	}
	x.left--
	r.of[a] = x
	return 0
}

func (r *rates) leftAt(x rate, now time.Time) float64 {
	return min(r.burst, x.left+max(0, now.Sub(x.at).Seconds())*r.perSecond)
}

func (r *rates) forget(now time.Time) {
	for a, x := range r.of {
		if r.leftAt(x, now) >= r.burst {
			delete(r.of, a)
		}
	}
}

// admitGet refuses another account more listings than anybody reads.
func (s *Server) admitGet(caller events.Account) error {
	if caller.IsZero() {
		return nil
	}
	if wait := s.gets.take(caller, time.Now()); wait > 0 {
		return api.Errorf(api.ErrTooMany, "you asked for %d listings or pages of them at once: try again in %d s",
			getsAtOnce, int(math.Ceil(wait.Seconds())))
	}
	return nil
}

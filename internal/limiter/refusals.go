package limiter

import (
	"context"
	"sync"
	"time"
)

// Refusals answers what is refused because an account asks for too much. To refuse is work, too, and who is refused at
// once asks again at once: so each account is answered at once for a while, and then so many times a second, however
// often it asks. Refused is what it takes to answer, little. It is safe for concurrent use.
type Refusals[Account comparable, Refused any] struct {
	allowed *Allowance[Account]
	now     func() time.Time
	send    func(Refused)
	wake    chan struct{} // readable: something is late

	mu   sync.Mutex
	late map[Account][]Refused // never an empty list
}

// How many refusals an account gets a second in the long run, how many at once, and how many may be late; an account
// that goes on asking is not answered beyond that.
const (
	refusalsPerSecond = 100
	refusalsAtOnce    = 500
	refusalsLate      = 2000
)

// NewRefusals returns refusals that are sent by send, which must not block.
func NewRefusals[Account comparable, Refused any](
	now func() time.Time, send func(Refused),
) *Refusals[Account, Refused] {
	return &Refusals[Account, Refused]{
		allowed: NewAllowance[Account](refusalsPerSecond, refusalsAtOnce), now: now, send: send,
		wake: make(chan struct{}, 1), late: make(map[Account][]Refused),
	}
}

// Refuse answers the account with x, now or later.
func (r *Refusals[Account, Refused]) Refuse(a Account, x Refused) {
	r.mu.Lock()
	if len(r.late[a]) == 0 && r.allowed.Take(a, r.now()) == 0 {
		r.mu.Unlock()
		r.send(x)
		return
	}
	if len(r.late[a]) < refusalsLate {
		r.late[a] = append(r.late[a], x)
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run sends what is late in time, until ctx is done.
func (r *Refusals[Account, Refused]) Run(ctx context.Context) {
	const tick = 20 * time.Millisecond
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		}
		for more := true; more; {
			select {
			case <-ctx.Done():
				return
			case <-time.After(tick):
			}
			var now []Refused
			now, more = r.due()
			for _, x := range now {
				r.send(x)
			}
		}
	}
}

// due takes out what may be sent now, and says whether there is more.
func (r *Refusals[Account, Refused]) due() (now []Refused, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for a, late := range r.late {
		for len(late) > 0 && r.allowed.Take(a, r.now()) == 0 {
			now, late = append(now, late[0]), late[1:]
		}
		if len(late) == 0 {
			delete(r.late, a)
		} else {
			r.late[a] = late
		}
	}
	return now, len(r.late) > 0
}

// Flush sends everything that is late.
func (r *Refusals[Account, Refused]) Flush() {
	r.mu.Lock()
	all := r.late
	r.late = make(map[Account][]Refused)
	r.mu.Unlock()
	for _, late := range all {
		for _, x := range late {
			r.send(x)
		}
	}
}

package functions

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go/micro"

	"natster/events"
	"natster/internal/limiter"
)

// refusals answers requests that are refused because their account asks for too much. To refuse is work, too, and who
// is refused at once asks again at once: so each account is answered at once for a while, and then so many times a
// second, however often it asks. It is safe for concurrent use.
type refusals struct {
	allowed *limiter.Allowance[events.Account]
	now     func() time.Time
	send    func(refused)
	wake    chan struct{} // readable: something is late

	mu   sync.Mutex
	late map[events.Account][]refused // never an empty list
}

// refused is what is to be answered, without the request's body.
type refused struct {
	subject, reply string
	err            error
}

// How many refusals an account gets a second in the long run, how many at once, and how many may be late; an account
// that goes on asking is not answered beyond that.
const (
	refusalsPerSecond = 100
	refusalsAtOnce    = 500
	refusalsLate      = 2000
)

func newRefusals(now func() time.Time, send func(refused)) *refusals {
	return &refusals{
		allowed: limiter.NewAllowance[events.Account](refusalsPerSecond, refusalsAtOnce), now: now, send: send,
		wake: make(chan struct{}, 1), late: make(map[events.Account][]refused),
	}
}

// refuse answers m with err, now or later.
func (r *refusals) refuse(a events.Account, m micro.Request, err error) {
	x := refused{m.Subject(), m.Reply(), err}
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

// run sends what is late in time, until ctx is done.
func (r *refusals) run(ctx context.Context) {
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
			var now []refused
			now, more = r.due()
			for _, x := range now {
				r.send(x)
			}
		}
	}
}

// due takes out what may be sent now, and says whether there is more.
func (r *refusals) due() (now []refused, more bool) {
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

// flush sends everything that is late.
func (r *refusals) flush() {
	r.mu.Lock()
	all := r.late
	r.late = make(map[events.Account][]refused)
	r.mu.Unlock()
	for _, late := range all {
		for _, x := range late {
			r.send(x)
		}
	}
}

package feed

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"natster/events"
	"natster/internal/backoff"
)

// How many receivers are told at a time, and how many of one owner's a second: enough for a catalog that a hundred
// thousand hear of every 30 seconds.
const (
	pageSize           = 250
	receiversPerSecond = 5000
)

// A telling is what everybody is to hear that a catalog is shared with.
type telling struct {
	owner   events.Account
	catalog events.Catalog
	kind    string // [events.FeedHeartbeat] or [events.FeedOffline]
	body    []byte

	begun      bool
	attempts   int              // that failed, one after the other
	to         []events.Account // read and not told yet
	told       int              // in the last turn
	end        bool             // there are no more to read
	generation uint64           // of the documents that are read page by page, from next on; 0 is from the start
	next       uint64
}

// A fanout tells what owners say of their catalogs: in order for each owner, and owner after owner in turn, a page of
// receivers each, so that an owner with very many waits for itself only. A heartbeat that nobody has been told yet is
// dropped when its catalog has something newer to say; nothing else is. It is safe for concurrent use.
type fanout struct {
	receivers func(context.Context, *telling) (to []events.Account, end bool, err error)
	tell      func(ctx context.Context, kind string, body []byte, to ...events.Account) error
	log       *slog.Logger
	wake      chan struct{} // readable: there is more to do
	ended     chan struct{}

	mu      sync.Mutex
	owners  map[events.Account]*queue
	turns   []events.Account // of those who have something to be told, the next first
	closing bool
}

// A queue is what is to be told of one owner.
type queue struct {
	tellings []*telling
	rest     time.Time // until when nothing is
}

func newFanout(
	receivers func(context.Context, *telling) ([]events.Account, bool, error),
	tell func(context.Context, string, []byte, ...events.Account) error, log *slog.Logger,
) *fanout {
	f := &fanout{
		receivers: receivers, tell: tell, log: log, owners: make(map[events.Account]*queue),
		wake: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	go f.run()
	return f
}

// add has t told. It does not wait.
func (f *fanout) add(t *telling) {
	f.mu.Lock()
	q := f.owners[t.owner]
	if q == nil {
		if len(f.owners) > 2*len(f.turns)+1024 {
			f.forget(time.Now())
		}
		q = &queue{}
		f.owners[t.owner] = q
	}
	if len(q.tellings) == 0 {
		f.turns = append(f.turns, t.owner)
	}
	q.add(t)
	f.mu.Unlock()
	f.signal()
}

// forget forgets the owners that have nothing to be told. The lock is held.
func (f *fanout) forget(now time.Time) {
	for a, q := range f.owners {
		if len(q.tellings) == 0 && q.rest.Before(now) {
			delete(f.owners, a)
		}
	}
}

func (f *fanout) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// add puts t at the end, in the place of what it makes needless.
func (q *queue) add(t *telling) {
	known := false
	q.tellings = slices.DeleteFunc(q.tellings, func(o *telling) bool {
		if o.catalog != t.catalog || o.begun {
			return false
		}
		known = known || o.kind == t.kind && t.kind == events.FeedOffline
		return o.kind == events.FeedHeartbeat
	})
	if !known {
		q.tellings = append(q.tellings, t)
	}
}

// closeTimeout bounds [fanout.close]: a world that has to stop is not held up by a NATS server that does not answer.
const closeTimeout = 10 * time.Second

// close tells what is left, without rest, and ends.
func (f *fanout) close() error {
	f.mu.Lock()
	f.closing = true
	f.mu.Unlock()
	f.signal()
	select {
	case <-f.ended:
		return nil
	case <-time.After(closeTimeout):
		return fmt.Errorf("feed: not all that is to be told could be told within %s", closeTimeout)
	}
}

func (f *fanout) run() {
	defer close(f.ended)
	for {
		t, wait := f.turn(time.Now())
		switch {
		case t != nil:
			f.done(t, f.page(t))
		case wait < 0:
			return
		case wait == 0:
			<-f.wake
		default:
			select {
			case <-f.wake:
			case <-time.After(wait):
			}
		}
	}
}

// turn takes the owner whose turn it is out of the turns and returns what is to be told of it next. Without one it
// returns for how long all rest, 0 if there is nothing to do, less if there will never be.
func (f *fanout) turn(now time.Time) (t *telling, wait time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, a := range f.turns {
		q := f.owners[a]
		rest := q.rest.Sub(now)
		if rest > 0 && !f.closing {
			if wait == 0 || rest < wait {
				wait = rest
			}
			continue
		}
		f.turns = slices.Delete(f.turns, i, i+1)
		t = q.tellings[0]
		t.begun = true
		return t, 0
	}
	if f.closing {
		return nil, -1
	}
	return nil, wait
}

// page tells a page of receivers.
func (f *fanout) page(t *telling) (err error) {
	ctx := context.Background() // each step has a bound of its own
	if len(t.to) == 0 && !t.end {
		if t.to, t.end, err = f.receivers(ctx, t); err != nil {
			t.end = false
			return err
		}
	}
	n := min(pageSize, len(t.to))
	if err := f.tell(ctx, t.kind, t.body, t.to[:n]...); err != nil {
		return err
	}
	t.to, t.told = t.to[n:], n
	return nil
}

var pause = backoff.Doubling(50*time.Millisecond, 5*time.Second)

// done ends the turn of t's owner, after a page that failed with err or did not.
func (f *fanout) done(t *telling, err error) {
	const attempts = 10
	f.mu.Lock()
	defer f.mu.Unlock()
	q := f.owners[t.owner]
	over := t.end && len(t.to) == 0
	q.rest = time.Now().Add(time.Duration(t.told) * time.Second / receiversPerSecond)
	if err == nil {
		t.attempts = 0
	} else {
		t.attempts++
		q.rest = time.Now().Add(pause(t.attempts))
		over = t.attempts >= attempts || f.closing
		level := slog.LevelWarn
		if over {
			level = slog.LevelError
		}
		f.log.Log(context.Background(), level, "receivers are not told", "account", t.owner, "catalog", t.catalog,
			"kind", t.kind, "attempt", t.attempts, "err", err)
	}
	if over {
		q.tellings = slices.DeleteFunc(q.tellings, func(o *telling) bool { return o == t })
	}
	if len(q.tellings) > 0 {
		f.turns = append(f.turns, t.owner)
	}
}

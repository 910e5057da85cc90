package queries

import (
	"context"
	"errors"
	"sync"
	"time"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
)

// How long a caller may wait for a projection, and how many may at once, of all and of one account. The runner lets more
// requests in than may wait, so that those who wait never keep out those who need not.
const (
	patience         = 3 * time.Second
	mostWaiting      = 128
	mostWaitingOfOne = 32
)

// read returns the documents that the patterns match, from a state that reflects what the call asks for.
func (f *queries) read(ctx context.Context, call *functions.Call, b view.Bucket, patterns ...string) (view.Snapshot, error) {
	s, err := f.views.Read(ctx, b, 0, patterns...)
	if err != nil || s.Position >= call.MinPosition {
		return s, err
	}
	if !f.waiting.enter(call.From) {
		return s, api.Errorf(api.ErrTooMany, "too many requests wait for position %d of the log: try again in a moment", call.MinPosition)
	}
	defer f.waiting.leave(call.From)
	ctx, cancel := context.WithTimeout(ctx, bounded(ctx))
	defer cancel()
	s, err = f.views.Read(ctx, b, call.MinPosition, patterns...)
	if err != nil && ctx.Err() != nil {
		return s, api.Errorf(api.ErrUnavailable, "%s does not reflect position %d of the log yet: try again", b.Name, call.MinPosition)
	}
	return s, err
}

// bounded is how long to wait so that there is time left to say that it was in vain.
func bounded(ctx context.Context) time.Duration {
	deadline, has := ctx.Deadline()
	if !has {
		return patience
	}
	return min(patience, time.Until(deadline)*3/4)
}

// tooMany tells that a read was of more documents than one read returns.
func tooMany(err error) bool { return errors.Is(err, events.ErrTooMany) }

// A room holds so many who wait, and so many of one account.
type room struct {
	most, ofOne int

	mu     sync.Mutex
	inside map[events.Account]int
	all    int
}

func newRoom(most, ofOne int) *room {
	return &room{most: most, ofOne: ofOne, inside: make(map[events.Account]int)}
}

// enter tells whether there was place. Whoever entered leaves.
func (r *room) enter(a events.Account) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all >= r.most || r.inside[a] >= r.ofOne {
		return false
	}
	r.all++
	r.inside[a]++
	return true
}

func (r *room) leave(a events.Account) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all--
	if r.inside[a]--; r.inside[a] == 0 {
		delete(r.inside, a)
	}
}

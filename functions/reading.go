package functions

import (
	"context"
	"time"

	"natster/functions/api"
	"natster/functions/view"
)

// readTimeout is how long a caller may wait for a projection to reflect its own write.
const readTimeout = 3 * time.Second

// Read returns the documents of a projection that the patterns match, from a state that reflects what the call asks
// for, and tells the caller which position that is. A caller who asks for a position that has not come yet waits, for a
// few seconds; how many wait at a time, of all callers and of one, is bounded, so that those who wait keep out nobody
// else.
func (c *Call) Read(ctx context.Context, views *view.Reader, b view.Bucket, patterns ...string) (view.Snapshot, error) {
	s, err := views.Read(ctx, b, 0, patterns...)
	if err == nil && s.Position < c.MinPosition {
		s, err = c.wait(ctx, views, b, patterns)
	}
	if err == nil {
		c.Reflects(s.Position)
	}
	return s, err
}

func (c *Call) wait(ctx context.Context, views *view.Reader, b view.Bucket, patterns []string) (view.Snapshot, error) {
	if !c.waiting.Enter(c.From) {
		return view.Snapshot{}, api.Errorf(api.ErrTooMany, "too many requests wait for position %d of the log: try again in a moment", c.MinPosition)
	}
	defer c.waiting.Leave(c.From)
	ctx, cancel := context.WithTimeout(ctx, bounded(ctx))
	defer cancel()
	s, err := views.Read(ctx, b, c.MinPosition, patterns...)
	if err != nil && ctx.Err() != nil {
		err = api.Errorf(api.ErrUnavailable, "%s does not reflect position %d of the log yet: try again", b.Name, c.MinPosition)
	}
	return s, err
}

// settleTimeout bounds what a put may take longer for callers who keep no positions: the answer to one who waits in
// vain is still true.
const settleTimeout = 1500 * time.Millisecond

// Settle waits until the projections reflect position, if the caller keeps no positions: such a caller asks its next
// question without one, at once, and expects to see what it has done. It waits for a moment at most. However many wait,
// one asks, and how many requests are in hand is bounded: so they need no place among those who wait for a position
// that may never come.
func (c *Call) Settle(ctx context.Context, position uint64, projections ...*view.Follower) {
	if c.KeepsPositions {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, min(settleTimeout, bounded(ctx)))
	defer cancel()
	for _, p := range projections {
		if p.Wait(ctx, position) != nil { // in vain: nothing is lost but the courtesy
			return
		}
	}
}

// bounded is how long to wait so that there is time left to say that it was in vain.
func bounded(ctx context.Context) time.Duration {
	deadline, has := ctx.Deadline()
	if !has {
		return readTimeout
	}
	return min(readTimeout, time.Until(deadline)*3/4)
}

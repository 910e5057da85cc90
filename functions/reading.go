package functions

import (
	"context"
	"time"

	"natster/functions/api"
	"natster/functions/view"
)

// readTimeout is how long a caller may wait for a projection to reflect its own write.
const readTimeout = 3 * time.Second

// soon is when to come back to what is very likely over then.
const soon = time.Second

// Read returns the documents of a projection that the patterns match, from a state that reflects what the call asks
// for, and tells the caller which position that is. A caller who asks for a position that has not come yet waits, for a
// few seconds; how many wait at a time, of all callers and of one, is bounded, so that others are still answered.
func (c *Call) Read(ctx context.Context, b view.Bucket, patterns ...string) (view.Snapshot, error) {
	s, err := c.views.Read(ctx, b, 0, patterns...)
	if err == nil && s.Position < c.MinPosition {
		s, err = c.wait(ctx, b, patterns)
	}
	if err == nil {
		c.Reflects(s.Position)
	}
	return s, err
}

// ReadOne is [Call.Read] of the document under key, of type D; ok is false when there is none.
func ReadOne[D any](ctx context.Context, c *Call, b view.Bucket, key string) (doc D, ok bool, err error) {
	s, err := c.Read(ctx, b, key)
	if err != nil {
		return doc, false, err
	}
	return view.One[D](s)
}

func (c *Call) wait(ctx context.Context, b view.Bucket, patterns []string) (view.Snapshot, error) {
	if !c.waiting.Enter(c.From) {
		return view.Snapshot{}, api.Later(api.ErrTooMany, soon,
			"too many requests wait for position %d of the log", c.MinPosition)
	}
	defer c.waiting.Leave(c.From)
	c.idle()
	ctx, cancel := context.WithTimeout(ctx, bounded(ctx))
	defer cancel()
	s, err := c.views.Read(ctx, b, c.MinPosition, patterns...)
	if err != nil && ctx.Err() != nil {
		err = api.Errorf(api.ErrUnavailable,
			"%s does not reflect position %d of the log yet: try again", b.Name, c.MinPosition)
	}
	return s, err
}

// settleTimeout bounds how much longer a put may take for callers who keep no positions. When it ends the answer is
// true all the same.
const settleTimeout = 1500 * time.Millisecond

// Settle waits, for a moment at most, until the projections reflect position, if the caller keeps no positions: such a
// caller sends its next request without one, at once, and expects to see what it has done. However many wait, one asks,
// so they are not counted among the callers that [Call.Read] lets wait; where very many do, it does not wait.
func (c *Call) Settle(ctx context.Context, position uint64, projections ...*view.Follower) {
	if c.KeepsPositions || !c.settling.Enter(c.From) {
		return
	}
	defer c.settling.Leave(c.From)
	c.idle()
	ctx, cancel := context.WithTimeout(ctx, min(settleTimeout, bounded(ctx)))
	defer cancel()
	for _, p := range projections {
		if p.Wait(ctx, position) != nil { // the next request may see less; the answer is true all the same
			return
		}
	}
}

// bounded is how long to wait so that there is time left to answer.
func bounded(ctx context.Context) time.Duration {
	deadline, has := ctx.Deadline()
	if !has {
		return readTimeout
	}
	return min(readTimeout, time.Until(deadline)*3/4)
}

// idle lets others be handled meanwhile.
func (c *Call) idle() {
	if c.release != nil {
		c.release()
	}
}

package functions

import (
	"context"
	"time"

	"natster/internal/supervise"
)

const (
	// behind is how many events wait when a function that can take many at once does so. Fewer are as fast one by one.
	behind = 32
	// skipTimeout is how long the server may take to move a consumer.
	skipTimeout = 5 * time.Second
	// skipAgain is how long a function that may not move its consumer goes on one event at a time: its credentials, or
	// its server, may be older than it is.
	skipAgain = time.Minute
)

// goAhead lets the function take what waits after the event in hand, and returns how far it has come.
func (r *Runner) goAhead(work context.Context, t bound, at uint64) (reached uint64) {
	if time.Now().Before(r.noSkip) {
		return at
	}
	reached, err := func() (reached uint64, err error) {
		defer supervise.Contain(r.log, &err)
		return t.ahead(work, at)
	}()
	if err != nil {
		r.log.Warn("continues with one event at a time", "stream", t.stream, "position", at, "err", err)
		return at
	}
	if reached > at {
		r.counts.change(func(c *Counts) { c.Messages += reached - at })
	}
	return reached
}

// skip moves the consumer to after the position, and reports whether it has. A message of it that this or another
// instance is handling meanwhile is no longer waited for.
func (r *Runner) skip(work context.Context, t bound, position uint64) bool {
	ctx, cancel := context.WithTimeout(work, skipTimeout)
	defer cancel()
	_, err := r.host.JS.ResetConsumerToSequence(ctx, t.stream, r.fn.Name, position+1)
	if err != nil {
		r.noSkip = time.Now().Add(skipAgain)
		r.log.Warn("the consumer cannot be moved: what is folded comes again",
			"stream", t.stream, "position", position, "err", err)
	}
	return err == nil
}

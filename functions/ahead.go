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
		r.log.Warn("goes on one event at a time", "stream", t.stream, "position", at, "err", err)
		return at
	}
	if reached > at {
		r.counts.messages.Add(reached - at)
	}
	return reached
}

// skip has the consumer go on after the position, and reports whether it does. Whoever holds a message of it meanwhile,
// this or another instance, holds nothing any more.
func (r *Runner) skip(work context.Context, host Host, t bound, position uint64) bool {
	ctx, cancel := context.WithTimeout(work, skipTimeout)
	defer cancel()
	_, err := host.JS.ResetConsumerToSequence(ctx, t.stream, r.fn.Name, position+1)
	if err != nil {
		r.noSkip = time.Now().Add(skipAgain)
		r.log.Warn("hears again what it has dealt with", "stream", t.stream, "position", position, "err", err)
	}
	return err == nil
}

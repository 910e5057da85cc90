package functions

import (
	"errors"
	"time"

	"natster/events"
	"natster/functions/api"
	"natster/internal/limiter"
)

type (
	queue    = limiter.Queue[events.Account]
	job      = limiter.Job[events.Account]
	refusals = limiter.Refusals[events.Account, refused]
)

// refused is what is to be answered, without the request's body.
type refused struct {
	subject, reply string
	err            error
}

// newQueue returns a queue of requests, of which each account may have as many handled at a time and a second as the
// limits say. Those of other functions, which come from no account, count as an account's of their own, with more
// handlers, and at the pace they come.
func newQueue(handlers int, l Limits) *queue {
	const (
		// How many requests wait for a handler: a friendly client may well send some hundreds at once.
		room, ownRoom = 4096, 256
		// internalShare is how many times an account's handlers functions have together.
		internalShare = 4
	)
	own := min(handlers, int(l.Handlers))
	allowed := limiter.NewAllowance[events.Account](l.Requests, l.RequestsAtOnce)
	return limiter.NewQueue(limiter.Bounds[events.Account]{
		Handlers: handlers, Room: room, OwnRoom: ownRoom,
		PerAccount: func(a events.Account) int {
			if a.IsZero() {
				return own * internalShare
			}
			return own
		},
		Pace: func(a events.Account, weight int) time.Duration {
			if a.IsZero() {
				return 0
			}
			return allowed.TakeSome(a, weight, time.Now())
		},
	})
}

// noRoom is the refusal of a request that the queue does not take in because of err.
func noRoom(err error) error {
	full, is := errors.AsType[*limiter.Full](err)
	switch {
	case !is:
		return api.Later(api.ErrUnavailable, soon, "the function stops")
	case full.Own:
		return api.Later(api.ErrTooMany, full.Wait, "this account asks for too much at once")
	}
	return api.Later(api.ErrTooMany, full.Wait, "too much is asked for at once")
}

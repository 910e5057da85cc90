package projection

import (
	"context"
	"errors"
	"time"
)

// A server of a cluster that died is believed alive for minutes, and given its share of new consumers, which nobody
// then makes. So who asks for one asks again, rather than waiting long: the next may be given to another server.
const (
	consumerTries   = 8
	consumerTimeout = 2 * time.Second
)

// again calls f until it answers in time, at most consumerTries times.
func again[T any](ctx context.Context, f func(ctx context.Context) (T, error)) (got T, err error) {
	for range consumerTries {
		once, cancel := context.WithTimeout(ctx, consumerTimeout)
		got, err = f(once)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			break
		}
	}
	return got, err
}

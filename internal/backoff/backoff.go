// Package backoff paces what is tried again.
//
//	backoff.go  Doubling: pauses between attempts; Sleep: a pause that a context ends
package backoff

import (
	"context"
	"time"
)

// Doubling returns how long to pause after the given number of failed attempts: first after one, then each time twice
// as long, never longer than longest. After no attempt there is no pause.
func Doubling(first, longest time.Duration) func(attempt int) time.Duration {
	return func(attempt int) time.Duration {
		if attempt < 1 {
			return 0
		}
		pause := first
		for ; attempt > 1; attempt-- {
			if pause >= longest/2 {
				return longest
			}
			pause *= 2
		}
		return min(pause, longest)
	}
}

// Sleep returns nil after pause, or the cause of ctx's end if that comes first.
func Sleep(ctx context.Context, pause time.Duration) error {
	if pause <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

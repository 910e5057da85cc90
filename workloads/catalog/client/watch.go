package client

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// run keeps a transfer going until it ends: chunks that are late are asked for again, a session that is gone is
// replaced, and without progress for the timeout the transfer fails.
func (t *transfer) run(ctx context.Context) {
	defer close(t.done)
	status := t.c.Conn.StatusChanged(nats.CONNECTED, nats.CLOSED)
	defer t.c.Conn.RemoveStatusListener(status)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		began := time.Now()
		next, reopen, over := t.look()
		if over {
			t.mu.Lock()
			s := t.session
			t.mu.Unlock()
			if s != nil {
				s.leave(true)
			}
			return
		}
		if reopen {
			t.reopen(ctx)
			t.slept(time.Since(began) - reopenTimeout)
			continue
		}
		timer.Reset(next)
		select {
		case <-ctx.Done():
			t.fail(ErrClosed)
		case <-t.wake:
		case <-timer.C:
		case st, open := <-status:
			if !open || st == nats.CLOSED {
				t.fail(fmt.Errorf("%s: %w", t.src.catalog, nats.ErrConnectionClosed))
				status = nil
				continue
			}
			t.mu.Lock()
			t.recall() // what was on its way is lost
			t.holdoff = time.Time{}
			t.mu.Unlock()
		}
		t.slept(time.Since(began) - next)
	}
}

// When a process was stopped, or its machine slept, every deadline has passed, and no server is to blame. A transfer
// looks at its chunks at least once in lookEvery; time that it misses by more than a nap does not count.
const (
	lookEvery     = time.Second
	nap           = 2 * time.Second
	reopenTimeout = 5 * time.Second
)

// slept allows for the time d in which the process did not run.
func (t *transfer) slept(d time.Duration) {
	if d < nap {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.moved = t.moved.Add(d)
	t.holdoff, t.backoff = time.Time{}, 0
	t.c.Logger.Debug("woke up", "catalog", t.src.catalog, "after", d)
}

// look does what is due. It returns when to look again, or whether a session must be opened or the transfer is over.
func (t *transfer) look() (next time.Duration, reopen, over bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	const idle = time.Hour
	now := time.Now()
	switch {
	case t.err != nil:
		return 0, false, true
	case len(t.queue)+len(t.flight) == 0:
		return idle, false, false
	case now.Sub(t.moved) > t.timeout:
		t.finish(fmt.Errorf("%s: %w: nothing came for %s", t.src.catalog, ErrOffline, t.timeout))
		return 0, false, true
	}
	next = min(t.timeout-now.Sub(t.moved), lookEvery)
	if now.Before(t.holdoff) {
		return min(next, t.holdoff.Sub(now)), false, false
	}
	if t.session == nil {
		return 0, true, false
	}
	t.retry(now, func(x *slot) bool { return !now.Before(t.due(x)) })
	t.ask()
	for _, x := range t.flight {
		next = min(next, t.due(x).Sub(now))
	}
	return max(next, time.Millisecond) + time.Millisecond, false, false
}

// due returns when x counts as lost. As long as others arrive, x may be behind them.
func (t *transfer) due(x *slot) time.Time {
	from := x.at
	if t.arrival.After(from) {
		from = t.arrival
	}
	return from.Add(t.window.timeout(x.tries))
}

// reopen opens another session, with new keys, for what is still wanted.
func (t *transfer) reopen(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, reopenTimeout)
	defer cancel()
	s, _, err := t.c.openSession(ctx, t.src, t.layout.ChunkSize, false)
	switch {
	case err == nil && s.layout != t.layout:
		s.leave(true)
		err = fmt.Errorf("%s: %w", t.src.catalog, errLayout)
	case err == nil:
		err = t.adopt(s)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err == nil:
		t.backoff = 0
		t.ask()
	case isOneOf(err, ErrOffline, ErrBusy, context.DeadlineExceeded, nats.ErrDisconnected):
		t.backOff()
	default:
		t.finish(err)
	}
}

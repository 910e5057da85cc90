package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// run watches over a transfer: what is late is asked for again, a session that is gone is opened anew, and when nothing helps
// for too long it gives up.
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
				s.leave(t.c, t.src, true)
			}
			return
		}
		if reopen {
			t.reopen(ctx)
			t.slept(time.Since(began) - reopening)
			continue
		}
		timer.Reset(next)
		select {
		case <-ctx.Done():
			t.fail(ErrClosed)
		case <-t.wake:
			t.slept(time.Since(began) - next)
		case <-timer.C:
			t.slept(time.Since(began) - next)
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
			t.slept(time.Since(began) - next)
		}
	}
}

// A process that was stopped, or whose machine slept, finds all its times over when it wakes, and nobody is to blame: it looks
// at least once in glance, and what it missed of that by more than a nap counts for nothing.
const (
	glance    = time.Second
	nap       = 2 * time.Second
	reopening = 5 * time.Second
)

// slept takes in that for so long nothing could be seen.
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

// look does what is due, and tells when to look again, or what else to do.
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
	next = min(t.timeout-now.Sub(t.moved), glance)
	if now.Before(t.holdoff) {
		return min(next, t.holdoff.Sub(now)), false, false
	}
	if t.session == nil {
		return 0, true, false
	}
	var late []*slot
	for _, x := range t.flight {
		if due := t.due(x); now.Before(due) {
			next = min(next, due.Sub(now))
		} else {
			late = append(late, x)
		}
	}
	if len(late) > 0 {
		t.window.lost(now)
		t.again(late)
	}
	t.ask()
	for _, x := range t.flight {
		next = min(next, t.due(x).Sub(now))
	}
	return max(next, time.Millisecond) + time.Millisecond, false, false
}

// due is when x counts as lost. As long as others arrive, it may stand behind them.
func (t *transfer) due(x *slot) time.Time {
	from := x.at
	if t.arrival.After(from) {
		from = t.arrival
	}
	return from.Add(t.window.timeout(x.tries))
}

// reopen opens another session, with new keys, for what is still wanted.
func (t *transfer) reopen(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, reopening)
	defer cancel()
	s, p, err := t.c.openSession(ctx, t.src, t.layout.ChunkSize)
	switch {
	case p != nil:
		_ = p.sub.Unsubscribe()
		p.key.Wipe()
		err = fmt.Errorf("%s: %w", t.src.catalog, ErrNoRandomAccess)
	case err == nil && s.layout != t.layout:
		s.leave(t.c, t.src, true)
		err = fmt.Errorf("%s: %w", t.src.catalog, errLayout)
	case err == nil:
		if err = t.adopt(s); err != nil {
			s.leave(t.c, t.src, true)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err == nil:
		t.backoff = 0
		t.ask()
	case errors.Is(err, ErrOffline), errors.Is(err, ErrBusy), errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrDisconnected):
		t.backOff()
	default:
		t.finish(err)
	}
}

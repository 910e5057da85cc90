package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"sync"
	"time"

	"natster/events"
	"natster/internal/backoff"
)

// fill fetches what p lacks of m's file and returns the hash of the whole.
func (d *download) fill(ctx context.Context, p *partial, m *meter) (events.Hash, error) {
	h := sha256.New()
	if err := p.sum(ctx, h, m.checking); err != nil {
		return events.Hash{}, err
	}
	m.checked(p.size)
	for {
		t, pushed, err := d.open(ctx, m, true)
		switch {
		case err != nil:
		case pushed != nil:
			err = d.receive(ctx, pushed, p, m, h)
		default:
			err = d.pull(ctx, t, m, h, p.append)
		}
		if !errors.Is(err, errLayout) {
			return events.Hash(h.Sum(nil)), err
		}
	}
}

// pull fetches what m's file lacks over t, which it closes. It writes the bytes in order and adds them to h, which has
// all before. What is in memory is bounded by the chunks that are wanted ahead: a slow disk slows down the asking.
func (d *download) pull(ctx context.Context, t *transfer, m *meter, h hash.Hash, write func([]byte) error) error {
	defer t.close()
	sum, wait := hashBeside(h)
	defer wait()
	next := m.done / int64(t.layout.ChunkSize)
	ahead := make([]*slot, 0, t.ahead())
	want := next
	for ; next < t.layout.Chunks(); next++ {
		for ; want < t.layout.Chunks() && int64(len(ahead)) < t.ahead(); want++ {
			ahead = append(ahead, t.want(want, false))
		}
		x := ahead[0]
		ahead = append(ahead[:0], ahead[1:]...)
		if err := d.await(ctx, t, x, m); err != nil {
			return err
		}
		if x.err != nil {
			return x.err
		}
		data := x.data[m.done-t.layout.Offset(next):] // a part of the first chunk may be there
		sum <- data
		if err := write(data); err != nil {
			return err
		}
		m.received(m.done+int64(len(data)), len(data))
	}
	return nil
}

// timeout is how long a download waits for an owner who answered before.
func (d *download) timeout() time.Duration {
	if d.o.Wait {
		return 100 * 365 * 24 * time.Hour
	}
	return d.c.Timeout
}

// open starts a transfer of m's file, or returns a push if takePush is set, as openSession does. It tries again for the
// timeout if the owner answered this download before, or is to be waited for.
func (d *download) open(ctx context.Context, m *meter, takePush bool) (*transfer, *push, error) {
	src := source{d.catalog, d.origin, m.e.Hash, m.e.Size}
	var waited time.Duration
	pauses := backoff.Doubling(50*time.Millisecond, lookEvery)
	for attempt := 1; ; attempt++ {
		began := time.Now()
		var t *transfer
		s, pushed, err := d.c.openSession(ctx, src, d.c.ChunkSize, takePush)
		if s != nil {
			t, err = startTransfer(s, d.timeout(), d.c.Window/d.o.Parallel)
		}
		d.mu.Lock()
		d.heard = d.heard || err == nil
		heard := d.heard
		d.mu.Unlock()
		if !isOneOf(err, ErrOffline, ErrBusy) || !heard && !d.o.Wait || waited > d.timeout() {
			return t, pushed, err
		}
		m.waiting()
		pause := pauses(attempt)
		if err := backoff.Sleep(ctx, pause); err != nil {
			return nil, nil, err
		}
		waited += min(time.Since(began), pause+requestTimeout) // time that the machine slept does not count
	}
}

// await returns when x has its data or its error. It reports when nothing arrives from the owner.
func (d *download) await(ctx context.Context, t *transfer, x *slot, m *meter) error {
	select {
	case <-x.ready:
		return nil
	default:
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-x.ready:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
			if t.quiet() > reportWaiting {
				m.waiting()
			}
		}
	}
}

// reportWaiting is how long nothing arrives before that is reported: a slow link is not an owner who is gone.
const reportWaiting = 3 * time.Second

// hashBeside adds to h, in another goroutine, the bytes sent to in, which must not change any more. wait returns when
// all are added.
func hashBeside(h hash.Hash) (in chan<- []byte, wait func()) {
	all := make(chan []byte, 4)
	var adding sync.WaitGroup
	adding.Go(func() {
		for b := range all {
			h.Write(b) // never fails
		}
	})
	return all, func() {
		close(all)
		adding.Wait()
	}
}

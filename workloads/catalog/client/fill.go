package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"time"

	"natster/events"
	"natster/internal/backoff"
)

// fill brings what p lacks of m's file, and returns the hash of the whole.
func (d *download) fill(ctx context.Context, p *partial, m *meter) (events.Hash, error) {
	h := sha256.New()
	if err := p.sum(ctx, h, m.checking); err != nil {
		return events.Hash{}, err
	}
	m.checked(p.size)
	for {
		err := d.pull(ctx, p, m, h)
		switch {
		case errors.Is(err, errLayout):
			continue // from where we are, with other chunks
		case err != nil:
			return events.Hash{}, err
		}
		return hashOf(h), nil
	}
}

// pull brings what p lacks over one transfer, and adds it to h, which has all before. The window of chunks that the reader
// is ahead bounds what is in memory: a slow disk slows down the asking.
func (d *download) pull(ctx context.Context, p *partial, m *meter, h hash.Hash) error {
	t, pushed, err := d.open(ctx, m)
	if err != nil {
		return err
	}
	switch {
	case pushed != nil && p.file == nil: // a stream, and what is pushed comes in any order
		pushed.end()
		return fmt.Errorf("%s: %w", d.catalog, ErrNoRandomAccess)
	case pushed != nil:
		return d.receive(ctx, pushed, p, m, h)
	}
	defer t.close()
	sum := startSum(h)
	defer sum.wait()
	next := p.size / int64(t.layout.ChunkSize)
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
		data := x.data[p.size-t.layout.Offset(next):] // the first may be there in part
		sum.add(data)
		if err := p.append(data); err != nil {
			return err
		}
		m.at(p.size, len(data))
	}
	return nil
}

// timeout is for how long a download waits for an owner who was there.
func (d *download) timeout() time.Duration {
	if d.o.Wait {
		return 100 * 365 * 24 * time.Hour
	}
	return d.c.Timeout
}

// open starts a transfer. An owner who has been there, or is waited for, may take the time to come back.
func (d *download) open(ctx context.Context, m *meter) (*transfer, *pushed, error) {
	src := source{d.catalog, d.origin, m.e.Hash, m.e.Size}
	var waited time.Duration
	pauses := backoff.Doubling(50*time.Millisecond, glance)
	for attempt := 1; ; attempt++ {
		began := time.Now()
		t, pushed, err := d.c.openTransfer(ctx, src, d.c.ChunkSize, d.c.Window/d.o.Parallel)
		d.mu.Lock()
		d.heard = d.heard || err == nil
		heard := d.heard
		d.mu.Unlock()
		switch {
		case err == nil:
			if t != nil {
				t.mu.Lock()
				t.timeout = d.timeout()
				t.mu.Unlock()
			}
			return t, pushed, nil
		case !errors.Is(err, ErrOffline) && !errors.Is(err, ErrBusy), !heard && !d.o.Wait, waited > d.timeout():
			return nil, nil, err
		}
		m.waiting()
		pause := pauses(attempt)
		if err := backoff.Sleep(ctx, pause); err != nil {
			return nil, nil, err
		}
		waited += min(time.Since(began), pause+answering) // what we slept does not count
	}
}

// await returns when x is there, or has failed, and meanwhile tells when it is the owner who is waited for.
func (d *download) await(ctx context.Context, t *transfer, x *slot, m *meter) error {
	select {
	case <-x.ready:
		return nil
	default:
	}
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		select {
		case <-x.ready:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
			if t.quiet() > waitingAfter {
				m.waiting()
			}
		}
	}
}

// waitingAfter is how long nothing comes before it is told: a slow link is not an owner who is gone.
const waitingAfter = 3 * time.Second

func hashOf(h hash.Hash) (sum events.Hash) {
	h.Sum(sum[:0])
	return sum
}

// summing adds bytes to a hash beside what else is done with them.
type summing struct {
	in   chan []byte
	done chan struct{}
}

func startSum(h hash.Hash) *summing {
	s := &summing{in: make(chan []byte, 4), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		for b := range s.in {
			h.Write(b) // never fails
		}
	}()
	return s
}

// add takes b, which nobody may change any more.
func (s *summing) add(b []byte) { s.in <- b }

// wait returns when all is added.
func (s *summing) wait() {
	close(s.in)
	<-s.done
}

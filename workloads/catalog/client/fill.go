package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"

	"natster/events"
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
	src := source{d.catalog, d.owner, m.e.Hash, m.e.Size}
	t, pushed, err := d.c.openTransfer(ctx, src, d.c.ChunkSize, d.c.Window/d.o.Parallel)
	if err != nil {
		return err
	}
	if pushed != nil {
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
		select {
		case <-x.ready:
		case <-ctx.Done():
			return context.Cause(ctx)
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

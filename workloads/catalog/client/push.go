package client

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
)

const (
	// What has arrived of a push and is not yet written is bounded, in messages and their bytes: it comes unasked.
	pushMessages = 1 << 15
	pushPending  = 128 << 20

	pushTimeout = 5 * time.Second // without anything new
	pushTries   = 4               // how often the whole file is asked for
	pushAhead   = 1 << 20         // chunks remembered after one that is missing; more are as good as lost
)

var errQuiet = errors.New("nothing arrives any more")

// next returns the next message of the push. It fails with errQuiet if none arrives until the deadline.
func (x *push) next(ctx context.Context, deadline time.Time) (*nats.Msg, error) {
	for {
		wait := time.Until(deadline)
		if wait <= 0 {
			return nil, errQuiet
		}
		m, err := x.sub.NextMsg(wait)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.Is(err, nats.ErrTimeout):
			return nil, errQuiet
		case errors.Is(err, nats.ErrSlowConsumer): // some are lost
		case err != nil:
			return nil, fmt.Errorf("%s: %w", x.src.catalog, err)
		default:
			if mine, err := x.has(m); mine || err != nil {
				return m, err
			}
		}
	}
}

// has reports whether m belongs to the push, and not to another download of the same file.
func (x *push) has(m *nats.Msg) (bool, error) {
	if m.Header.Get(catalog.HeaderSender) != x.reply.Sender {
		return false, nil
	}
	if m.Header.Get(catalog.HeaderTranscoding) == "true" {
		return false, fmt.Errorf("%s: %w", x.src.catalog, ErrTranscoded)
	}
	return true, nil
}

// receive takes a file from a server of protocol 1, which sends all of it each time, in any order and with losses.
// Chunks are written where they belong; what is lost is taken from another push.
func (d *download) receive(ctx context.Context, x *push, p *partial, m *meter, h hash.Hash) error {
	layout := seal.Layout{Size: m.e.Size, ChunkSize: x.reply.ChunkSize}
	if err := layout.Check(); err != nil || x.reply.TotalBytes != layout.Size {
		defer x.end()
		if err == nil { // the first message says whether it is transcoded
			if _, err = x.next(ctx, time.Now().Add(min(pushTimeout, d.c.Timeout))); errors.Is(err, ErrTranscoded) {
				return err
			}
		}
		return fmt.Errorf("%s: %w: %d bytes in chunks of %d", d.catalog, ErrImpostor, x.reply.TotalBytes,
			layout.ChunkSize)
	}
	next := p.size / int64(layout.ChunkSize)
	r := &receipt{d: d, p: p, m: m, layout: layout, have: make(map[int64]bool), next: next}
	defer func() { // what arrived out of order does not count: a partial is a beginning
		if p.size < m.e.Size {
			if err := p.reset(p.size); err != nil {
				d.c.Logger.Warn("a partial file was not cut", "path", p.name, "err", err)
			}
		}
	}()
	for try := 1; ; try++ {
		err := r.take(ctx, x)
		x.end()
		switch {
		case err == nil:
			h.Reset()
			return p.sum(ctx, h, nil)
		case !errors.Is(err, errQuiet):
			return err
		case try == pushTries:
			return fmt.Errorf("%s: %w: its server stopped sending", d.catalog, ErrOffline)
		}
		if x, err = d.c.askDownload(ctx, x.src, catalog.DownloadRequest{}, true); err != nil {
			return err
		}
		if x.reply.ChunkSize != layout.ChunkSize {
			x.end()
			return fmt.Errorf("%s: %w: another chunk size than before", d.catalog, ErrImpostor)
		}
	}
}

// A receipt is what has arrived of a file that is pushed.
type receipt struct {
	d        *download
	p        *partial
	m        *meter
	layout   seal.Layout
	next     int64          // all chunks before have arrived
	have     map[int64]bool // of those after
	furthest int64          // chunk of the present push
}

// take writes what one push brings until nothing is missing.
func (r *receipt) take(ctx context.Context, x *push) error {
	r.furthest = -1
	heard := time.Now() // messages that bring the push no further do not count
	for r.next < r.layout.Chunks() {
		m, err := x.next(ctx, heard.Add(min(pushTimeout, r.d.c.Timeout)))
		if err != nil {
			return err
		}
		further, err := r.message(x, m)
		if err != nil {
			return err
		}
		if further {
			heard = time.Now() // after the disk, which may be slow
		}
	}
	return nil
}

// message handles a message of a push and reports whether it brought the push further.
func (r *receipt) message(x *push, m *nats.Msg) (further bool, err error) {
	i, err := strconv.ParseInt(m.Header.Get(catalog.HeaderChunk), 10, 64)
	if err != nil || i < 0 || i >= r.layout.Chunks() {
		return false, nil
	}
	if i > r.furthest { // even if an earlier push brought it
		further, r.furthest = true, i
	}
	if i < r.next || r.have[i] || len(r.have) >= pushAhead && i > r.next {
		return further, nil
	}
	plain, err := seal.Open1(m.Data, x.key, x.reply.Sender)
	if err != nil || len(plain) != r.layout.Length(i) {
		return further, nil // as good as lost
	}
	if _, err := r.p.WriteAt(plain, r.layout.Offset(i)); err != nil {
		return false, diskError(err)
	}
	r.have[i] = true
	for ; r.have[r.next]; r.next++ {
		delete(r.have, r.next)
	}
	r.p.size = min(r.layout.Offset(r.next), r.layout.Size)
	r.m.received(r.p.size, len(plain))
	return true, nil
}

package client

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/workloads/catalog"
	"natster/workloads/catalog/seal"
)

// What of a push has come and is not yet written is bounded, in messages and their bytes: it comes unasked.
const (
	pushMessages = 1 << 15
	pushPending  = 128 << 20
)

// Timeout with a server that pushes: how long nothing may come, and how often the whole is asked for.
const (
	pushQuiet = 5 * time.Second
	pushTries = 4
)

// receive takes a file from a server of protocol 1, which sends all of it each time, unasked for any order or loss: chunks
// are written where they belong, and what is lost is taken from another push.
func (d *download) receive(ctx context.Context, first *pushed, p *partial, m *meter, h hash.Hash) error {
	size := first.reply.ChunkSize
	layout := seal.Layout{Size: m.e.Size, ChunkSize: size}
	err := layout.Check()
	if err == nil && first.reply.TotalBytes != m.e.Size {
		err = first.transcoding(ctx, min(pushQuiet, d.c.Timeout))
	}
	if err != nil || first.reply.TotalBytes != m.e.Size {
		first.end()
		if errors.Is(err, ErrTranscoded) {
			return fmt.Errorf("%s: %w", d.catalog, err)
		}
		return fmt.Errorf("%s: %w: %d bytes in chunks of %d", d.catalog, ErrImpostor, first.reply.TotalBytes, size)
	}
	r := &receipt{d: d, p: p, m: m, layout: layout, have: make(map[int64]bool), next: p.size / int64(size)}
	defer func() { // what came out of order does not count: the partial is a beginning
		if p.size < m.e.Size {
			if err := p.reset(p.size); err != nil {
				d.c.Logger.Warn("a partial file was not cut", "path", p.name, "err", err)
			}
		}
	}()
	x := first
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
		if x, err = d.c.askPush(ctx, source{d.catalog, d.origin, m.e.Hash, m.e.Size}); err != nil {
			return err
		}
		if x.reply.ChunkSize != size {
			x.end()
			return fmt.Errorf("%s: %w: another chunk size than before", d.catalog, ErrImpostor)
		}
	}
}

// transcoding is [ErrTranscoded] when that is what comes, and otherwise nil.
func (x *pushed) transcoding(ctx context.Context, quiet time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, quiet)
	defer cancel()
	for {
		m, err := x.sub.NextMsgWithContext(ctx)
		switch {
		case errors.Is(err, nats.ErrSlowConsumer):
		case err != nil:
			return nil
		case m.Header.Get(catalog.HeaderSender) != x.reply.Sender: // another download of the same file
		case m.Header.Get(catalog.HeaderTranscoding) == "true":
			return ErrTranscoded
		default:
			return nil
		}
	}
}

func (x *pushed) end() {
	_ = x.sub.Unsubscribe()
	x.key.Wipe()
}

// askPush subscribes, then asks as an existing client does.
func (c *Client) askPush(ctx context.Context, src source) (*pushed, error) {
	key, err := c.newKey()
	if err != nil {
		return nil, err
	}
	sub, err := c.Conn.SubscribeSync(events.MediaSubject(events.Account{}, src.catalog, src.hash.String()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", src.catalog, err)
	}
	x := &pushed{key: key, sub: sub}
	if err := sub.SetPendingLimits(pushMessages, pushPending); err != nil {
		x.end()
		return nil, err
	}
	q := catalog.DownloadRequest{Hash: src.hash, Target: key.Public()}
	if err := c.ask(ctx, src.catalog, events.VerbDownload, q, &x.reply); err != nil {
		x.end()
		return nil, err
	}
	return x, nil
}

// receipt is what has come of a push.
type receipt struct {
	d      *download
	p      *partial
	m      *meter
	layout seal.Layout
	next   int64          // all before have come
	have   map[int64]bool // of those after
}

// pushAhead is how many chunks after a missing one are remembered: what comes beyond is as good as lost.
const pushAhead = 1 << 20

var errQuiet = errors.New("nothing comes any more")

// take writes what one push brings until nothing is missing.
func (r *receipt) take(ctx context.Context, x *pushed) error {
	stop := context.AfterFunc(ctx, func() { _ = x.sub.Unsubscribe() })
	defer stop()
	quiet := min(pushQuiet, r.d.c.Timeout)
	heard, furthest := time.Now(), int64(-1) // what brings a push no further is no better than nothing
	for r.next < r.layout.Chunks() {
		wait := quiet - time.Since(heard)
		if wait <= 0 {
			return errQuiet
		}
		m, err := x.sub.NextMsg(wait)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, nats.ErrSlowConsumer):
			continue // some are lost
		case errors.Is(err, nats.ErrTimeout):
			return errQuiet
		case err != nil:
			return fmt.Errorf("%s: %w", r.d.catalog, err)
		}
		further, err := r.message(x, m, &furthest)
		if err != nil {
			return err
		}
		if further {
			heard = time.Now() // also after a slow disk
		}
	}
	return nil
}

// message takes in one message of a push; it tells whether that brought the push further.
func (r *receipt) message(x *pushed, m *nats.Msg, furthest *int64) (further bool, err error) {
	if m.Header.Get(catalog.HeaderSender) != x.reply.Sender {
		return false, nil // another download of the same file
	}
	if m.Header.Get(catalog.HeaderTranscoding) == "true" {
		return false, fmt.Errorf("%s: %w", r.d.catalog, ErrTranscoded)
	}
	i, err := strconv.ParseInt(m.Header.Get(catalog.HeaderChunk), 10, 64)
	if err != nil || i < 0 || i >= r.layout.Chunks() {
		return false, nil
	}
	if i > *furthest { // also what an earlier push brought
		further, *furthest = true, i
	}
	if i < r.next || r.have[i] || len(r.have) >= pushAhead && i > r.next {
		return further, nil
	}
	plain, err := seal.Open1(m.Data, x.key, x.reply.Sender)
	if err != nil || len(plain) != r.layout.Length(i) {
		return further, nil // as good as lost
	}
	return true, r.put(i, plain)
}

// put writes chunk i.
func (r *receipt) put(i int64, plain []byte) error {
	if _, err := r.p.WriteAt(plain, r.layout.Offset(i)); err != nil {
		return diskError(err)
	}
	r.have[i] = true
	for ; r.have[r.next]; r.next++ {
		delete(r.have, r.next)
	}
	r.p.size = min(r.layout.Offset(r.next), r.layout.Size)
	r.m.at(r.p.size, len(plain))
	return nil
}

package projection

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"natster/internal/jet"
)

// puts sends puts to one bucket without waiting for each, and then waits for all to be acknowledged. It is for one
// goroutine and has none of its own. Unlike the client library's asynchronous publishing it notices at once that the
// connection was lost, which a handler's shutdown waits for, and costs little per message, which a rebuild is made of.
type puts struct {
	nc      *nats.Conn
	prefix  string
	acks    chan *nats.Msg
	lost    chan nats.Status
	sub     *nats.Subscription
	timeout time.Duration
	limit   int

	sent    uint64            // numbered ones
	quiet   int               // since the last numbered one
	pending map[uint64]string // the subjects of those under way, by number
}

// newPuts returns puts with at most limit under way at once; timeout is how long to wait for them to be acknowledged.
func newPuts(nc *nats.Conn, limit int, timeout time.Duration) (*puts, error) {
	p := &puts{
		nc:      nc,
		prefix:  nc.NewInbox() + ".",
		acks:    make(chan *nats.Msg, 4*limit), // has place for those that come too late, of a batch given up
		timeout: timeout,
		limit:   limit,
		pending: make(map[uint64]string, limit),
	}
	var err error
	if p.sub, err = nc.ChanSubscribe(p.prefix+"*", p.acks); err != nil {
		return nil, fmt.Errorf("subscribe for acknowledgements: %w", err)
	}
	p.lost = nc.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	return p, nil
}

// close ends the subscription, which otherwise ends with the connection. Puts that were not waited for may or may not
// be stored.
func (p *puts) close() {
	p.nc.RemoveStatusListener(p.lost)
	_ = p.sub.Unsubscribe() // it fails when the connection is closed, and then there is nothing to end
}

// streamEvery is how often stream asks for an acknowledgement.
const streamEvery = 64

// stream puts m like put, but only now and then with an acknowledgement, which bounds how much is under way. Refusals
// of the others are not heard of.
func (p *puts) stream(ctx context.Context, m *nats.Msg) error {
	if p.quiet++; p.quiet < streamEvery {
		if err := p.nc.PublishMsg(m); err != nil {
			return p.giveUp(m.Subject, err)
		}
		return nil
	}
	p.quiet = 0
	if err := p.settle(ctx, p.limit/streamEvery-1); err != nil {
		return err
	}
	return p.put(ctx, m)
}

// put sends a put or a deletion of one key. An error is about any of what is under way, and all of it is given up then.
func (p *puts) put(ctx context.Context, m *nats.Msg) error {
	switch len(p.pending) {
	case 0:
		p.forgetLosses()
	case p.limit:
		if err := p.settle(ctx, p.limit/2); err != nil {
			return err
		}
	}
	p.sent++
	p.pending[p.sent] = m.Subject
	m.Reply = p.prefix + strconv.FormatUint(p.sent, 10)
	if err := p.nc.PublishMsg(m); err != nil {
		return p.giveUp(m.Subject, err)
	}
	return nil
}

// wait returns when all puts are acknowledged, with the first error if one was refused.
func (p *puts) wait(ctx context.Context) error { return p.settle(ctx, 0) }

// settle waits until no more than rest are under way.
func (p *puts) settle(ctx context.Context, rest int) error {
	if len(p.pending) <= rest {
		return nil
	}
	timer := time.NewTimer(p.timeout)
	defer timer.Stop()
	for len(p.pending) > rest {
		select {
		case m := <-p.acks:
			n, err := strconv.ParseUint(m.Subject[len(p.prefix):], 10, 64)
			if err != nil {
				continue // not an answer to one of ours
			}
			subject, ours := p.pending[n]
			if !ours {
				continue // given up before
			}
			if err := jet.Acknowledged(m.Data); err != nil {
				return p.giveUp(subject, err)
			}
			delete(p.pending, n)
		case <-p.lost:
			return p.giveUp(p.any(), nats.ErrDisconnected)
		case <-timer.C:
			return p.giveUp(p.any(), nats.ErrTimeout)
		case <-ctx.Done():
			return p.giveUp(p.any(), ctx.Err())
		}
	}
	return nil
}

func (p *puts) giveUp(subject string, err error) error {
	clear(p.pending)
	return fmt.Errorf("put %s: %w", subject, err)
}

func (p *puts) any() string {
	for _, subject := range p.pending {
		return subject
	}
	return ""
}

// forgetLosses drops losses of the connection that were reported when nothing was under way.
func (p *puts) forgetLosses() {
	for {
		select {
		case <-p.lost:
		default:
			return
		}
	}
}

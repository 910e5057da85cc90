package projection

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// patience is how long an acknowledgement may take. A server that is at work answers in less than a millisecond.
const patience = 5 * time.Second

// errConflict is wrapped when a key is not what it was when it was read: somebody else is active.
var errConflict = errors.New("somebody else has put it since it was read")

// puts sends puts to one bucket without waiting for each, and then waits for all. It is for one goroutine.
type puts struct {
	js      jetstream.JetStream // its own: an error belongs to whoever made it
	pending []jetstream.PubAckFuture
}

// maxPending is how many puts are under way at once. More gain nothing: the server is then never idle.
const maxPending = 4096

func newPuts(nc *nats.Conn) (*puts, error) {
	js, err := jetstream.New(nc,
		jetstream.WithPublishAsyncMaxPending(2*maxPending), // never reached: put waits itself
		jetstream.WithPublishAsyncTimeout(patience),
		jetstream.WithDefaultTimeout(patience))
	if err != nil {
		return nil, err
	}
	return &puts{js: js, pending: make([]jetstream.PubAckFuture, 0, maxPending)}, nil
}

// close ends its subscription. Puts that nobody waited for may or may not be stored.
func (p *puts) close() { p.js.CleanupPublisher() }

// put sends one message, conditional on the options given. An error is final for the whole of what is under way.
func (p *puts) put(ctx context.Context, m *nats.Msg, opts ...jetstream.PublishOpt) error {
	if len(p.pending) == maxPending {
		if err := p.settle(ctx, maxPending/2); err != nil {
			return err
		}
	}
	ack, err := p.js.PublishMsgAsync(m, opts...)
	if err != nil {
		return putError(m, err)
	}
	p.pending = append(p.pending, ack)
	return nil
}

// wait returns when all puts are acknowledged, with the first error if one was refused.
func (p *puts) wait(ctx context.Context) error { return p.settle(ctx, len(p.pending)) }

// settle waits for the n oldest.
func (p *puts) settle(ctx context.Context, n int) error {
	for i, ack := range p.pending[:n] {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			p.pending = p.pending[:0]
			return putError(ack.Msg(), err)
		case <-ctx.Done():
			p.pending = p.pending[:0]
			return putError(ack.Msg(), ctx.Err())
		}
		p.pending[i] = nil
	}
	p.pending = p.pending[:copy(p.pending, p.pending[n:])]
	return nil
}

func putError(m *nats.Msg, err error) error {
	var refusal *jetstream.APIError
	const wrongLastConstant = 10164 // the server's code while another such put is under way
	if errors.As(err, &refusal) && (refusal.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || refusal.ErrorCode == wrongLastConstant) {
		return fmt.Errorf("put %s: %w", m.Subject, errConflict)
	}
	return fmt.Errorf("put %s: %w", m.Subject, err)
}

// document is the message that puts value under a subject, or deletes what is there if value is nil.
func document(subject string, value []byte) *nats.Msg {
	m := &nats.Msg{Subject: subject, Data: value}
	if value == nil {
		m.Header = nats.Header{"KV-Operation": {"DEL"}}
	}
	return m
}

package nex

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"natster/workloads/nexlet/wire"
)

// gather asks a question that any number may answer, and collects the answers: until all of expected came, or patience is at
// an end; if nobody knows how many to expect (0), until it has been quiet for a while. Nobody at all is no error.
func (c *Client) gather(ctx context.Context, subject string, body any, expected int, patience time.Duration) ([]*nats.Msg, error) {
	return c.gatherUntil(ctx, subject, body, expected, patience, func(*nats.Msg) bool { return false })
}

// gatherUntil is gather, ended by an answer that is enough.
func (c *Client) gatherUntil(ctx context.Context, subject string, body any, expected int, patience time.Duration, enough func(*nats.Msg) bool) ([]*nats.Msg, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("nex: %w", err)
	}
	sub, err := c.nc.SubscribeSync(c.nc.NewRespInbox())
	if err != nil {
		return nil, fmt.Errorf("nex: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }() // of a closed connection: nothing to do
	if err := c.nc.PublishRequest(subject, sub.Subject, text); err != nil {
		return nil, fmt.Errorf("nex: %w", err)
	}
	var all []*nats.Msg
	until := time.Now().Add(patience)
	for expected == 0 || len(all) < expected {
		m, err := next(ctx, sub, until)
		switch {
		case errors.Is(err, nats.ErrNoResponders), errors.Is(err, errLate):
			return all, nil
		case err != nil:
			return all, fmt.Errorf("nex: %w", err)
		}
		all = append(all, m)
		if enough(m) {
			return all, nil
		}
		if expected == 0 {
			until = time.Now().Add(c.waits.Quiet)
		}
	}
	return all, nil
}

var errLate = errors.New("nothing came in time")

// next waits for a message, until the time or the end of ctx.
func next(ctx context.Context, sub *nats.Subscription, until time.Time) (*nats.Msg, error) {
	bounded, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	m, err := sub.NextMsgWithContext(bounded)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		return nil, errLate
	}
	return m, err
}

// ask asks one. Silence is errLate or nats.ErrNoResponders, a refusal a *wire.Error beside the reply.
func (c *Client) ask(ctx context.Context, subject string, body any, patience time.Duration) (*nats.Msg, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("nex: %w", err)
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	m, err := c.nc.RequestWithContext(bounded, subject, text)
	if err != nil {
		if ctx.Err() == nil && bounded.Err() != nil {
			return nil, errLate
		}
		return nil, err
	}
	return m, wire.Refusal(m)
}

func silent(err error) bool { return errors.Is(err, errLate) || errors.Is(err, nats.ErrNoResponders) }

// deadlined is ctx, or if it has no deadline one that has. Its timer ends by itself.
func deadlined(ctx context.Context, patience time.Duration) context.Context {
	if _, has := ctx.Deadline(); has {
		return ctx
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	context.AfterFunc(bounded, cancel)
	return bounded
}

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

// gather sends a request that any number of nodes may answer, and returns the replies: until expected replies have come
// or the timeout is over; if their number is not known (expected is 0), until none comes for a while. It ends early
// with the first reply for which enough, unless nil, returns true. No reply is no error.
func (c *Client) gather(
	ctx context.Context, subject string, body any, expected int, timeout time.Duration, enough func(*nats.Msg) bool,
) ([]*nats.Msg, error) {
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
	until := time.Now().Add(timeout)
	for expected == 0 || len(all) < expected {
		m, err := next(ctx, sub, until)
		switch {
		case errors.Is(err, nats.ErrNoResponders), errors.Is(err, errLate):
			return all, nil
		case err != nil:
			return all, fmt.Errorf("nex: %w", err)
		}
		all = append(all, m)
		if enough != nil && enough(m) {
			return all, nil
		}
		if expected == 0 {
			until = time.Now().Add(c.waits.Quiet)
		}
	}
	return all, nil
}

// decodeAll decodes the replies. It leaves out refusals, and what cannot be decoded.
func decodeAll[T any](replies []*nats.Msg) (all []T) {
	for _, m := range replies {
		if v, err := wire.Decode[T](m.Data); err == nil && wire.Refusal(m) == nil {
			all = append(all, v)
		}
	}
	return all
}

var errLate = errors.New("nothing came in time")

// next returns the next message. It fails with errLate when none comes until the time.
func next(ctx context.Context, sub *nats.Subscription, until time.Time) (*nats.Msg, error) {
	bounded, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	m, err := sub.NextMsgWithContext(bounded)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		return nil, errLate
	}
	return m, err
}

// ask sends a request to one node and returns the reply. Silence is errLate or nats.ErrNoResponders; a refusal is a
// *wire.Error, returned beside the reply.
func (c *Client) ask(ctx context.Context, subject string, body any, timeout time.Duration) (*nats.Msg, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("nex: %w", err)
	}
	bounded, cancel := context.WithTimeout(ctx, timeout)
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

// silent reports whether err means that no node answered.
func silent(err error) bool { return errors.Is(err, errLate) || errors.Is(err, nats.ErrNoResponders) }

package logtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/events"
)

// Config is the event log's stream as a log of this package is best kept: like [events.LogConfig], but fast to fill,
// because it is written to disk when the server finds the time.
func Config() jetstream.StreamConfig {
	c := events.LogConfig(1)
	c.AllowAtomicPublish = false
	c.PersistMode = jetstream.AsyncPersistMode
	c.Duplicates = 100 * time.Millisecond // the smallest: no event here comes twice
	return c
}

// Fill appends the events to the log's stream, without conditions, and returns the position of the last.
func Fill(ctx context.Context, nc *nats.Conn, log iter.Seq[events.Event]) (uint64, error) {
	const pending = 4096
	failed := make(chan error, 1)
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(pending),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, m *nats.Msg, err error) {
			select {
			case failed <- fmt.Errorf("logtest: append to %s: %w", m.Subject, err):
			default: // the first error is enough
			}
		}))
	if err != nil {
		return 0, err
	}
	var last jetstream.PubAckFuture
	for e := range log {
		m, err := events.Encode(e)
		if err != nil {
			return 0, err
		}
		if last, err = js.PublishMsgAsync(m, jetstream.WithStallWait(time.Minute)); err != nil {
			return 0, fmt.Errorf("logtest: append: %w", err)
		}
	}
	if last == nil {
		return 0, errors.New("logtest: no events")
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	select {
	case err := <-failed:
		return 0, err
	case ack := <-last.Ok():
		return ack.Sequence, nil
	}
}

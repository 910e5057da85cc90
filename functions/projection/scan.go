package projection

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/events"
	"natster/internal/jet"
)

const (
	// scanBatch is how many messages are decoded at a time: enough that handing them over costs nothing.
	scanBatch = 512
	// scanTimeout is how long a scan waits for the next message, before it asks whether there is one.
	scanTimeout = 5 * time.Second
)

// A decoded is one position of the log, or several that are lost, of which it has the last; err says why it is not an
// event.
type decoded struct {
	events.Envelope
	logged time.Time // by the server's clock; none for what is lost
	err    error
}

// read is a message of the log before it is decoded.
type read struct {
	jet.Message
	lost *events.Lost
}

// scan calls fn with every position of the log from from to to, in order and in batches. It reads through a consumer,
// which the server feeds several times faster than it answers direct reads, and decodes on all cores. What the consumer
// passes over, and what it does not come to, is asked for again; what is not there then is lost, and handed to fn as
// such.
func scan(
	ctx context.Context, js jetstream.JetStream, log *events.Log, from, to uint64, fn func([]decoded) error,
) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	consumer, err := again(ctx, func(ctx context.Context) (jetstream.Consumer, error) {
		return js.OrderedConsumer(ctx, events.LogStream, jetstream.OrderedConsumerConfig{
			DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
			OptStartSeq:       from,
			InactiveThreshold: time.Minute,
		})
	})
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	msgs, err := consumer.Messages(jetstream.PullMaxMessages(16 * scanBatch))
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}

	ordered := make(chan chan []decoded, 2*runtime.GOMAXPROCS(0)) // the batches that are being decoded
	var busy sync.WaitGroup
	defer busy.Wait()
	defer context.AfterFunc(ctx, msgs.Stop)()
	defer msgs.Stop()
	defer cancel(nil)
	busy.Go(func() {
		defer close(ordered)
		raw := make([]read, 0, scanBatch)
		send := func() error {
			batch, out := raw, make(chan []decoded, 1)
			select {
			case ordered <- out:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			busy.Go(func() { out <- decode(batch) })
			raw = make([]read, 0, scanBatch)
			return nil
		}
		err := readAll(ctx, msgs, log, from, to, func(m read) error {
			if raw = append(raw, m); len(raw) < scanBatch {
				return nil
			}
			return send()
		})
		if err == nil && len(raw) > 0 {
			err = send()
		}
		if err != nil {
			cancel(fmt.Errorf("read the log: %w", err))
		}
	})

	for out := range ordered {
		if err := fn(<-out); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// readAll calls fn with the messages at positions from to to, in order, or with what is lost of them.
func readAll(
	ctx context.Context, msgs jetstream.MessagesContext, log *events.Log, from, to uint64, fn func(read) error,
) error {
	at := from - 1
	readDirectly := func(to uint64) error {
		err := log.Reread(ctx, at+1, to, func(m jet.Message, lost *events.Lost) error { return fn(read{m, lost}) })
		at = to
		return err
	}
	for at < to {
		m, err := msgs.Next(jetstream.NextMaxWait(scanTimeout))
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, nats.ErrTimeout): // the rest is asked for, whether it is late or lost
			msgs.Stop()
			return readDirectly(to)
		case err != nil:
			return fmt.Errorf("after position %d: %w", at, err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("after position %d: %w", at, err)
		}
		if position := meta.Sequence.Stream; position > at+1 {
			if err := readDirectly(min(position-1, to)); err != nil {
				return err
			}
			if position > to {
				break
			}
		}
		at = meta.Sequence.Stream
		s := jet.Message{Subject: m.Subject(), Header: m.Headers(), Data: m.Data(), Sequence: at, Time: meta.Timestamp}
		if err := fn(read{s, nil}); err != nil {
			return err
		}
	}
	return nil
}

func decode(batch []read) []decoded {
	all := make([]decoded, len(batch))
	for i, m := range batch {
		if m.lost != nil {
			all[i] = decoded{Envelope: events.Envelope{Position: m.lost.To}, err: m.lost}
			continue
		}
		e, err := events.Decode(m.Subject, m.Header, m.Data)
		all[i] = decoded{events.Envelope{Event: e, Position: m.Sequence}, m.Time, err}
	}
	return all
}

// A server of a cluster that died is believed alive for minutes, and given its share of new consumers, which are then
// never made. So a request for one is repeated rather than waited for: the next may be given to another server.
const (
	consumerTries   = 8
	consumerTimeout = 2 * time.Second
)

// again calls f until it answers in time, at most consumerTries times.
func again[T any](ctx context.Context, f func(ctx context.Context) (T, error)) (got T, err error) {
	for range consumerTries {
		once, cancel := context.WithTimeout(ctx, consumerTimeout)
		got, err = f(once)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			break
		}
	}
	return got, err
}

package projection

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"natster/events"
)

// scanBatch is how many messages are decoded at a time: enough that handing them over costs nothing.
const scanBatch = 512

// A decoded is one message of the log; err says why it is no event.
type decoded struct {
	events.Envelope
	err error
}

// scan calls fn with the log's events from position from to position to, in order and in batches. It reads through a
// consumer, which the server feeds several times faster than it answers direct reads, and decodes on all cores.
func scan(ctx context.Context, js jetstream.JetStream, from, to uint64, fn func([]decoded) error) error {
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

	// Each batch travels twice: to whichever decoder is free, and to fn in order, where it is waited for.
	type job struct {
		raw  []jetstream.Msg
		out  []decoded
		done chan struct{}
	}
	decoders := runtime.GOMAXPROCS(0)
	jobs, ordered := make(chan *job), make(chan *job, 2*decoders)
	var busy sync.WaitGroup
	defer busy.Wait()
	defer msgs.Stop()
	defer cancel(nil)

	for range decoders {
		busy.Go(func() {
			for j := range jobs {
				j.out = make([]decoded, len(j.raw))
				for i, m := range j.raw {
					j.out[i] = decode(m)
				}
				close(j.done)
			}
		})
	}
	busy.Go(func() {
		defer close(ordered)
		defer close(jobs)
		for at := from - 1; at < to; {
			j := &job{raw: make([]jetstream.Msg, 0, scanBatch), done: make(chan struct{})}
			for len(j.raw) < scanBatch && at < to {
				m, err := msgs.Next(jetstream.NextContext(ctx))
				if err != nil {
					cancel(fmt.Errorf("read the log after position %d: %w", at, err))
					return
				}
				meta, err := m.Metadata()
				if err != nil {
					cancel(fmt.Errorf("read the log after position %d: %w", at, err))
					return
				}
				at = meta.Sequence.Stream
				j.raw = append(j.raw, m)
			}
			select {
			case ordered <- j:
			case <-ctx.Done():
				return
			}
			jobs <- j
		}
	})

	for j := range ordered {
		<-j.done
		if err := fn(j.out); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx))
	}
	return nil
}

func decode(m jetstream.Msg) decoded {
	meta, err := m.Metadata()
	if err != nil {
		return decoded{err: err}
	}
	e, err := events.Decode(m.Subject(), m.Headers(), m.Data())
	return decoded{events.Envelope{Event: e, Position: meta.Sequence.Stream}, err}
}

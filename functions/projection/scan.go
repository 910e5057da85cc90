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

// A decoded is one position of the log, or several that are lost, of which it has the last; err says why it is no
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
func scan(ctx context.Context, js jetstream.JetStream, log *events.Log, from, to uint64, fn func([]decoded) error) error {
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
		raw  []read
		out  []decoded
		done chan struct{}
	}
	decoders := runtime.GOMAXPROCS(0)
	jobs, ordered := make(chan *job), make(chan *job, 2*decoders)
	var busy sync.WaitGroup
	defer busy.Wait()
	defer context.AfterFunc(ctx, msgs.Stop)()
	defer msgs.Stop()
	defer cancel(nil)

	for range decoders {
		busy.Go(func() {
			for j := range jobs {
				j.out = make([]decoded, len(j.raw))
				for i, m := range j.raw {
					j.out[i] = m.decode()
				}
				close(j.done)
			}
		})
	}
	busy.Go(func() {
		defer close(ordered)
		defer close(jobs)
		next := &job{done: make(chan struct{})}
		send := func() error {
			select {
			case ordered <- next:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			jobs <- next
			next = &job{raw: make([]read, 0, scanBatch), done: make(chan struct{})}
			return nil
		}
		err := readAll(ctx, msgs, log, from, to, func(m read) error {
			if next.raw = append(next.raw, m); len(next.raw) < scanBatch {
				return nil
			}
			return send()
		})
		if err == nil && len(next.raw) > 0 {
			err = send()
		}
		if err != nil {
			cancel(fmt.Errorf("read the log: %w", err))
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

// readAll calls fn with the messages at positions from to to, in order, or with what is lost of them.
func readAll(ctx context.Context, msgs jetstream.MessagesContext, log *events.Log, from, to uint64, fn func(read) error) error {
	at := from - 1
	readDirectly := func(to uint64) error {
		err := log.Reread(ctx, at+1, to,
			func(s jet.Message) error { return fn(read{Message: s}) },
			func(lost *events.Lost) error { return fn(read{lost: lost}) })
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
		if err := fn(read{Message: s}); err != nil {
			return err
		}
	}
	return nil
}

func (m read) decode() decoded {
	if m.lost != nil {
		return decoded{Envelope: events.Envelope{Position: m.lost.To}, err: m.lost}
	}
	e, err := events.Decode(m.Subject, m.Header, m.Data)
	return decoded{events.Envelope{Event: e, Position: m.Sequence}, m.Time, err}
}

package functions

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/events"
	"natster/functions/api"
	"natster/internal/backoff"
	"natster/internal/brief"
	"natster/internal/jet"
	"natster/internal/supervise"
)

// consume handles the messages of one stream trigger, one at a time, until ctx is done; then it finishes the one in
// hand. It outlives any interruption of the server or the stream.
func (r *Runner) consume(ctx, work context.Context, t bound, consumer jetstream.Consumer) {
	for attempt := 1; ctx.Err() == nil; attempt++ {
		progress, err := r.consumeOnce(ctx, work, t, consumer)
		if err != nil && ctx.Err() == nil {
			r.log.Log(ctx, r.troubleLevel(), "interrupted", "stream", t.stream, "err", err)
		}
		if progress {
			attempt = 1
		}
		_ = backoff.Sleep(ctx, r.cfg.Backoff(attempt)) // its end is seen above
	}
}

// A pull that the server forgot, because the consumer was made anew or its leader changed, is noticed after two missing
// heartbeats.
//
// The pull of an instance that died is served until it expires, because the server sees it come from an import: so it
// is short, and with [ackWait] it bounds how late another instance takes over.
const (
	pullExpiry    = time.Second
	pullHeartbeat = 500 * time.Millisecond

	// pullMessages is also how much the iterator holds, heartbeats included: the client drops what comes beyond, and a
	// message that it drops is delivered again only after [ackWait]. While a handler runs, at most one message and the
	// heartbeats of a pull's life come, or of two. The consumer still delivers one message at a time (MaxAckPending).
	pullMessages = 64
)

// consumeOnce handles messages until the iterator fails or ctx is done, and reports whether there was any.
func (r *Runner) consumeOnce(
	ctx, work context.Context, t bound, consumer jetstream.Consumer,
) (progress bool, err error) {
	iter, err := consumer.Messages(jetstream.PullMaxMessages(pullMessages), jetstream.PullExpiry(pullExpiry),
		jetstream.PullHeartbeat(pullHeartbeat))
	if err != nil {
		return false, err
	}
	defer iter.Stop()
	for {
		m, err := iter.Next(jetstream.NextContext(ctx))
		switch {
		case ctx.Err() != nil:
			return progress, errors.Join(leave(m), r.leaveRest(work, iter))
		case errors.Is(err, jetstream.ErrNoHeartbeat):
			continue // the iterator pulls again by itself
		case err != nil:
			return progress, err
		}
		progress = true
		if err := r.handle(ctx, work, t, m); err != nil {
			return progress, err
		}
	}
}

// leave gives a message that is not handled here to another instance at once.
func leave(m jetstream.Msg) error {
	if m == nil {
		return nil
	}
	return m.Nak()
}

// leaveRest leaves what was on its way when the iterator was told to end.
func (r *Runner) leaveRest(ctx context.Context, iter jetstream.MessagesContext) error {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Deadline)
	defer cancel()
	iter.Drain()
	for {
		m, err := iter.Next(jetstream.NextContext(ctx))
		if err != nil {
			return nil // the end, or the connection's
		}
		if err := leave(m); err != nil {
			return err
		}
	}
}

// handle calls the handler and settles the message by what it returned. The error is about the settling.
func (r *Runner) handle(ctx, work context.Context, t bound, jm jetstream.Msg) error {
	meta, err := jm.Metadata()
	if err != nil {
		return fmt.Errorf("not a message of a stream: %w", err)
	}
	m := jet.Message{
		Subject:  jm.Subject(),
		Header:   jm.Headers(),
		Data:     jm.Data(),
		Sequence: meta.Sequence.Stream,
		Time:     meta.Timestamp,
	}
	start := time.Now()
	reached := m.Sequence
	err = r.attempt(work, t, jm, m, func() {
		if t.skips && meta.NumPending >= behind && ctx.Err() == nil { // one that is ending ends soon
			reached = r.goAhead(work, t, m.Sequence)
		}
	})
	r.observe(t.Kind, time.Since(start), err)

	attempt := int(min(meta.NumDelivered, 1<<20))
	switch {
	case err == nil && reached > m.Sequence && r.skip(work, t, reached):
		return nil // and so the server no longer waits for m
	case err == nil:
		return jm.Ack()
	case errors.Is(err, ErrPoison),
		attempt >= r.cfg.Attempts && !errors.Is(err, api.ErrUnavailable) && r.cfg.Refuse() == nil:
		return r.setAside(work, t, jm, m, err)
	case ctx.Err() != nil:
		return jm.Nak() // we are stopping: another instance, or the next start, tries at once
	}
	delay := r.cfg.Backoff(attempt)
	r.log.Log(ctx, r.troubleLevel(), "will be tried again",
		"stream", t.stream, "position", m.Sequence, "attempt", attempt, "in", delay, "err", err)
	return jm.NakWithDelay(delay)
}

// troubleLevel is the level at which a failure is logged: low while the world refuses to store anything.
func (r *Runner) troubleLevel() slog.Level {
	if r.cfg.Refuse() != nil {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

// attempt calls the handler once, and then when it has succeeded. It tells the server meanwhile that it is at work, and
// contains panics.
func (r *Runner) attempt(work context.Context, t bound, jm jetstream.Msg, m jet.Message, then func()) (err error) {
	ctx, cancel := context.WithCancel(work)
	var alive sync.WaitGroup
	defer alive.Wait()
	defer cancel()
	alive.Go(func() {
		tick := time.NewTicker(ackWait / 3)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if err := jm.InProgress(); err != nil {
					r.log.Warn("cannot ask for more time", "stream", t.stream, "position", m.Sequence, "err", err)
				}
			case <-ctx.Done():
				return
			}
		}
	})
	defer supervise.Contain(r.log, &err)
	if err := t.handle(ctx, m); err != nil {
		return err
	}
	then()
	return nil
}

// Headers of a message in the poison stream.
const (
	HeaderPoisonReason   = "Natster-Poison-Reason"
	HeaderPoisonStream   = "Natster-Poison-Stream"
	HeaderPoisonSubject  = "Natster-Poison-Subject"
	HeaderPoisonSequence = "Natster-Poison-Sequence"
)

// setAside keeps the message in the poison stream, and only then lets go of it.
func (r *Runner) setAside(
	work context.Context, t bound, jm jetstream.Msg, m jet.Message, reason error,
) error {
	ctx, cancel := context.WithTimeout(work, r.cfg.Deadline)
	defer cancel()
	p := &nats.Msg{Subject: events.PoisonSubject(r.fn.Name), Header: nats.Header{}, Data: m.Data}
	for k, v := range m.Header {
		p.Header["Natster-Original-"+k] = v
	}
	p.Header.Set(HeaderPoisonReason, brief.Line(reason.Error()))
	p.Header.Set(HeaderPoisonStream, t.stream)
	p.Header.Set(HeaderPoisonSubject, m.Subject)
	p.Header.Set(HeaderPoisonSequence, strconv.FormatUint(m.Sequence, 10))
	p.Header.Set(nats.MsgIdHdr, fmt.Sprintf("%s.%s.%d", r.fn.Name, t.stream, m.Sequence))
	if _, err := r.host.JS.PublishMsg(ctx, p); err != nil {
		r.log.Error("a message that cannot be handled could not be set aside either",
			"stream", t.stream, "position", m.Sequence, "err", errors.Join(err, reason))
		return jm.NakWithDelay(r.cfg.Backoff(r.cfg.Attempts))
	}
	r.counts.change(func(c *Counts) { c.Poisoned++ })
	r.log.Error("message set aside: nats stream get "+PoisonStream+" shows it",
		"stream", t.stream, "position", m.Sequence, "err", reason)
	return jm.Term()
}

package projection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"natster/events"
	"natster/functions"
	"natster/functions/view"
)

// Limits of one fold of events that were missed: what one read can return, and a bound on memory.
const (
	batchEvents = 512
	batchKeys   = events.MaxLast / 2
)

// patience is how long the server may take. At work it answers in less than a millisecond.
const patience = 5 * time.Second

// live folds the log into one projection as events come. Its handler is called by one goroutine at a time.
type live[D comparable] struct {
	projection Projection[D]
	host       functions.Host
	log        *slog.Logger
	puts       *puts
}

func (l *live[D]) open(h functions.Host) (err error) {
	l.host = h
	l.log = h.Logger.With("projection", l.projection.Bucket.Name)
	l.puts, err = newPuts(h.Conn, 2*batchKeys, patience)
	return err
}

// mend folds what the bucket lost although it was acknowledged: after the machine went down, or when the bucket is a new
// one. Without it readers would wait until the next event shows the gap. What it cannot do now, that event will.
func (l *live[D]) mend(name string) {
	const most = time.Minute
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	err := func() error {
		consumer, err := l.host.JS.Consumer(ctx, events.LogStream, name)
		if err != nil {
			return err
		}
		at, err := Position(ctx, l.host.Views, l.projection.Bucket)
		if err != nil {
			return err
		}
		return l.catchUp(ctx, at, consumer.CachedInfo().AckFloor.Stream)
	}()
	if err != nil {
		l.log.Warn("what is missing will be folded with the next event", "err", err)
	}
}

// handle folds one event. Nil means that the bucket reflects it.
func (l *live[D]) handle(ctx context.Context, e events.Envelope) error {
	const tries = 4 // another instance or a rebuild got in between: the next read shows what it did
	var err error
	for range tries {
		if err = l.advance(ctx, e); !errors.Is(err, errConflict) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("projection %s: position %d: %w", l.projection.Bucket.Name, e.Position, err)
	}
	return nil
}

func (l *live[D]) advance(ctx context.Context, e events.Envelope) error {
	b := l.batch(e.Position)
	b.add(e)
	err := l.fold(ctx, b)
	var g gap
	if errors.As(err, &g) {
		if err := l.catchUp(ctx, g.at, e.Position-1); err != nil {
			return err
		}
		b = l.batch(e.Position)
		b.add(e)
		err = l.fold(ctx, b)
	}
	switch {
	case err != nil:
		return err
	case b.known: // but was it reported, if it could not be folded?
		b.failed = l.projection.malformed(e)
	}
	if b.failed != nil {
		return fmt.Errorf("%w: %w", functions.ErrPoison, b.failed)
	}
	return nil
}

// catchUp folds the log's events after position at, to position to inclusive. What cannot be folded there has been
// delivered before, and was set aside then.
func (l *live[D]) catchUp(ctx context.Context, at, to uint64) error {
	if at >= to {
		return nil
	}
	l.log.Info("folding what was missed", "from", at+1, "to", to)
	b := l.batch(at + 1)
	flush := func() error {
		if err := l.fold(ctx, b); err != nil {
			return err
		}
		if b.failed != nil {
			l.log.Warn("passed over", "err", b.failed)
		}
		b = l.batch(b.to + 1)
		return nil
	}
	_, err := l.host.Log.Replay(ctx, at+1, to, func(e events.Envelope, undecodable error) error {
		if undecodable != nil {
			b.to = e.Position
			l.log.Warn("passed over", "position", e.Position, "err", undecodable)
		} else {
			b.add(e)
		}
		if len(b.events) == batchEvents || len(b.keys) > batchKeys {
			return flush()
		}
		return nil
	})
	if err != nil || b.to < b.from {
		return err
	}
	return flush()
}

// A gap is the error of a fold whose first event is not the next one.
type gap struct{ at uint64 }

func (g gap) Error() string { return fmt.Sprintf("the projection is at position %d only", g.at) }

// A batch is events that follow each other, and the documents that they touch.
type batch[D comparable] struct {
	projection Projection[D]
	from, to   uint64 // positions; what is between and not in events changes nothing
	events     []item
	keys       []string
	states     map[string]*loaded[D]
	failed     error // why the events were passed over that were
	known      bool  // all were folded before
}

type item struct {
	events.Envelope
	keys []string
}

// loaded is a document of a batch as it was read, and then as it is to be put.
type loaded[D any] struct {
	state[D]
	revision uint64
	changed  bool
}

func (l *live[D]) batch(from uint64) *batch[D] {
	return &batch[D]{projection: l.projection, from: from, to: from - 1, states: make(map[string]*loaded[D])}
}

func (b *batch[D]) add(e events.Envelope) {
	b.to = e.Position
	keys, err := b.projection.keys(e)
	if err != nil {
		b.fail(e, err)
		return
	}
	b.events = append(b.events, item{e, keys})
	for _, k := range keys {
		if b.states[k] == nil {
			b.states[k] = &loaded[D]{}
			b.keys = append(b.keys, k)
		}
	}
}

func (b *batch[D]) fail(e events.Envelope, err error) {
	b.failed = errors.Join(b.failed, fmt.Errorf("%s at position %d: %w", e.Type, e.Position, err))
}

// fold folds the events of b that are not folded yet, all in one step: read, apply, put, put the checkpoint.
func (l *live[D]) fold(ctx context.Context, b *batch[D]) error {
	bucket := l.projection.Bucket
	before, err := l.read(ctx, b.keys)
	switch {
	case err != nil:
		return err
	case before.Position >= b.to:
		b.known = true
		return nil
	case before.Position+1 < b.from:
		return gap{before.Position}
	}
	if err := b.load(before.Found); err != nil {
		return err
	}
	b.apply(before.Position)
	for _, key := range b.keys {
		d := b.states[key]
		if !d.changed || !d.exists && d.revision == 0 {
			continue
		}
		var value []byte
		if d.exists {
			if value, err = d.encode(); err != nil {
				return err
			}
		}
		if err := l.puts.replace(ctx, bucket.Subject(view.DocKey(before.Generation, key)), value, d.revision); err != nil {
			return err
		}
	}
	if err := l.puts.wait(ctx); err != nil {
		return err
	}
	after := before.Checkpoint
	after.Position = b.to
	return putCheckpoint(ctx, l.puts, bucket, after, before.Revision)
}

// read gives up early: a read that takes long was lost with a connection, and is cheap to repeat.
func (l *live[D]) read(ctx context.Context, keys []string) (view.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, patience/4)
	defer cancel()
	return l.host.Views.Read(ctx, l.projection.Bucket, 0, keys...)
}

func (b *batch[D]) load(found []view.Found) error {
	for _, f := range found {
		d := b.states[f.Key]
		d.revision = f.Revision
		s, ok, err := view.Doc[D](f)
		if err != nil {
			return err
		}
		if ok {
			d.state = state[D]{true, s.Position, s.Doc}
		}
	}
	return nil
}

// apply folds the events after position at into the states.
func (b *batch[D]) apply(at uint64) {
	var changes []change[D]
	for _, e := range b.events {
		if e.Position <= at {
			continue
		}
		var err error
		changes, err = b.projection.step(changes[:0], e.Envelope, e.keys, func(k string) state[D] { return b.states[k].state })
		if err != nil {
			b.fail(e.Envelope, err)
			continue
		}
		for _, c := range changes {
			d := b.states[c.key]
			d.state, d.changed = c.state, true
		}
	}
}

// putCheckpoint puts a checkpoint on condition that the one there is still of that revision.
func putCheckpoint(ctx context.Context, p *puts, b view.Bucket, c view.Checkpoint, revision uint64) error {
	value, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := p.replace(ctx, b.Subject(b.CheckpointKey()), value, revision); err != nil {
		return err
	}
	return p.wait(ctx)
}

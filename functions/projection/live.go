package projection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
	"natster/internal/jet"
)

// Limits: how many events are folded in one step, which bounds memory and how much is done again after a crash, and how
// many documents are read at once, beside the checkpoint.
const (
	batchEvents = 4096
	batchKeys   = 512
)

// Limits of time: how long the server may take, which at work answers in less than a millisecond, and how long a repair
// at the start may.
const (
	serverTimeout = 5 * time.Second
	repairTimeout = time.Minute
)

// Live folds the log into one projection as events come. It is for one goroutine at a time.
type Live[D comparable] struct {
	projection Projection[D]
	host       functions.Host
	log        *slog.Logger
	puts       *puts
}

// Live returns the instance of the function called name that keeps the projection. First it folds what the bucket lost
// although it was acknowledged: after the machine went down, or when the bucket is a new one. Without that readers
// would wait until the next event shows the gap. What it cannot do now, that event will.
func (p Projection[D]) Live(ctx context.Context, h functions.Host, name string) (*Live[D], error) {
	l := &Live[D]{projection: p, host: h, log: h.Logger.With("projection", p.Bucket.Name)}
	var err error
	if l.puts, err = newPuts(h.Conn, 2*batchKeys, serverTimeout); err != nil {
		return nil, err
	}
	if err := l.repair(ctx, name); ctx.Err() != nil {
		return nil, errors.Join(context.Cause(ctx), l.Close())
	} else if err != nil {
		l.log.Warn("what is missing will be folded with the next event", "err", err)
	}
	return l, nil
}

// Close ends the subscription for acknowledgements.
func (l *Live[D]) Close() error {
	l.puts.close()
	return nil
}

func (l *Live[D]) repair(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, repairTimeout)
	defer cancel()
	consumer, err := l.host.JS.Consumer(ctx, events.LogStream, name)
	if err != nil {
		return err
	}
	at, err := Position(ctx, l.host.Views, l.projection.Bucket)
	if err != nil {
		return err
	}
	return l.catchUp(ctx, at, consumer.CachedInfo().AckFloor.Stream)
}

// Handle folds one event. Nil means that the bucket reflects it.
func (l *Live[D]) Handle(ctx context.Context, e events.Envelope) error {
	const tries = 4 // another instance or a rebuild got in between: the next read shows what it did
	var err error
	for range tries {
		if err = l.advance(ctx, e); !errors.Is(err, jet.ErrConflict) {
			break
		}
	}
	if err == nil {
		return nil
	}
	err = fmt.Errorf("projection %s: position %d: %w", l.projection.Bucket.Name, e.Position, err)
	if !errors.Is(err, functions.ErrPoison) {
		err = fmt.Errorf("%w: %w", api.ErrUnavailable, err) // not the event's fault: it is tried until it is folded
	}
	return err
}

func (l *Live[D]) advance(ctx context.Context, e events.Envelope) error {
	fold := func() (*batch[D], error) {
		b := l.batch(e.Position)
		b.add(e)
		return b, l.fold(ctx, b)
	}
	b, err := fold()
	if g, is := errors.AsType[gap](err); is {
		if err := l.catchUp(ctx, g.at, e.Position-1); err != nil {
			return err
		}
		b, err = fold()
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
func (l *Live[D]) catchUp(ctx context.Context, at, to uint64) error {
	if at >= to {
		return nil
	}
	l.log.Info("folding what was missed", "from", at+1, "to", to)
	for at < to {
		b := l.batch(at + 1)
		reached, err := l.foldLog(ctx, b, to)
		if err != nil || reached == at {
			return err
		}
		if b.failed != nil {
			l.log.Warn("passed over", "err", b.failed)
		}
		at = reached
	}
	return nil
}

// Ahead folds what the log has after position, batchEvents of it at most, in one step, and returns how far the
// projection is then. It ends before an event that cannot be folded: that is to be delivered and set aside.
func (l *Live[D]) Ahead(ctx context.Context, position uint64) (uint64, error) {
	b := l.batch(position + 1)
	b.upToFailure = true
	return l.foldLog(ctx, b, position+batchEvents)
}

// errEnough ends a read of the log that has read enough.
var errEnough = errors.New("enough")

// foldLog adds the events of the log up to position to, batchEvents of them at most, to the empty batch b and folds
// them in one step. It returns how far the projection is then.
func (l *Live[D]) foldLog(ctx context.Context, b *batch[D], to uint64) (reached uint64, err error) {
	reached = b.to
	_, err = l.host.Log.Replay(ctx, b.from, to, func(e events.Envelope, undecodable error) error {
		switch {
		case undecodable == nil:
			b.add(e)
		case errors.Is(undecodable, events.ErrLost):
			// To stop would keep the events to come from all readers as well. A rebuild is what refuses to go on.
			b.to = e.Position
			l.log.Error("going on without it: natster admin check tells what is left of the log", "err", undecodable)
		case b.upToFailure:
			return errEnough
		default:
			b.to = e.Position
			l.log.Warn("passed over", "position", e.Position, "err", undecodable)
		}
		if len(b.events) == batchEvents || b.failed != nil && b.upToFailure {
			return errEnough
		}
		return nil
	})
	switch {
	case err != nil && !errors.Is(err, errEnough):
		return reached, err
	case b.to < b.from:
		return reached, nil
	}
	err = l.fold(ctx, b)
	return max(reached, b.reached), err
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
	failed     error  // why the events were passed over that were
	known      bool   // all were folded before
	reached    uint64 // where the projection is after the fold
	// upToFailure ends the batch before the first event that cannot be folded.
	upToFailure bool
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

func (l *Live[D]) batch(from uint64) *batch[D] {
	return &batch[D]{projection: l.projection, from: from, to: from - 1, states: make(map[string]*loaded[D])}
}

func (b *batch[D]) add(e events.Envelope) {
	keys, err := b.projection.keys(e)
	if err != nil {
		b.fail(e, err)
		if !b.upToFailure {
			b.to = e.Position
		}
		return
	}
	b.to = e.Position
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
//
// Another instance may fold other steps of the log at the same time. What is stored of a document then always is what
// it was after some event, and the event is noted with it, deletions included; every put is on condition that none was
// made in between. So documents only go forward, and an instance that puts a checkpoint has seen all documents at least
// as far.
func (l *Live[D]) fold(ctx context.Context, b *batch[D]) error {
	bucket := l.projection.Bucket
	first, rest := b.keys[:min(batchKeys, len(b.keys))], b.keys[min(batchKeys, len(b.keys)):]
	before, err := l.read(ctx, first)
	switch {
	case err != nil:
		return err
	case before.Position >= b.to:
		b.known, b.reached = true, before.Position
		return nil
	case before.Position+1 < b.from:
		return gap{before.Position}
	}
	if err := b.load(before.Found); err != nil {
		return err
	}
	for keys := range slices.Chunk(rest, batchKeys) {
		more, err := l.read(ctx, keys)
		switch {
		case err != nil:
			return err
		case more.Revision != before.Revision:
			return jet.ErrConflict
		}
		if err := b.load(more.Found); err != nil {
			return err
		}
	}
	b.apply(before.Position)
	if ctx.Err() != nil { // what is not begun is not put
		return context.Cause(ctx)
	}
	b.reached = max(b.to, before.Position)
	if b.reached == before.Position {
		return nil
	}
	for _, key := range b.keys {
		d := b.states[key]
		if !d.changed {
			continue
		}
		m := &nats.Msg{Subject: bucket.Subject(view.DocKey(before.Generation, key))}
		if !d.exists {
			m = jet.Deletion(m.Subject)
			m.Header.Set(view.HeaderPosition, strconv.FormatUint(d.position, 10))
		} else if m.Data, err = d.encode(); err != nil {
			return err
		}
		jet.Expect(m, "", d.revision)
		if err := l.puts.put(ctx, m); err != nil {
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
func (l *Live[D]) read(ctx context.Context, keys []string) (view.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, serverTimeout/4)
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
		} else {
			d.position = f.Deleted
		}
	}
	return nil
}

// apply folds the events after position at into the states.
func (b *batch[D]) apply(at uint64) {
	var changes []change[D]
	before := func(key string) state[D] { return b.states[key].state }
	for _, e := range b.events {
		if e.Position <= at {
			continue
		}
		var err error
		changes, err = b.projection.step(changes[:0], e.Envelope, e.keys, before)
		if err != nil {
			b.fail(e.Envelope, err)
			if b.upToFailure {
				b.to = e.Position - 1
				return
			}
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
	m := &nats.Msg{Subject: b.Subject(b.CheckpointKey()), Data: value}
	jet.Expect(m, "", revision)
	if err := p.put(ctx, m); err != nil {
		return err
	}
	return p.wait(ctx)
}

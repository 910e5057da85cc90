package projection

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/events"
	"natster/functions"
	"natster/functions/view"
	"natster/internal/jet"
)

// A Rebuildable is a [Projection], of documents of any type.
type Rebuildable interface {
	builder() fold
}

func (p Projection[D]) builder() fold { return newBuilder(p) }

// A fold is a projection in memory.
type fold interface {
	bucket() view.Bucket
	fold(events.Envelope)
	// unwritten calls fn with every document that changed since the last call, in the order in which they last changed;
	// value is nil for one that is gone. It returns fn's error.
	unwritten(fn func(key string, value []byte) error) error
	size() int // how many documents the next unwritten has
}

// builder is the fold of one projection.
type builder[D comparable] struct {
	projection Projection[D]
	docs       map[string]state[D]
	touched    map[string]struct{} // since the last unwritten; nil until the first
	changes    []change[D]
}

func newBuilder[D comparable](p Projection[D]) *builder[D] {
	return &builder[D]{projection: p, docs: make(map[string]state[D])}
}

func (b *builder[D]) bucket() view.Bucket { return b.projection.Bucket }

// fold folds e. What cannot be folded changes nothing: it was reported when it came.
func (b *builder[D]) fold(e events.Envelope) {
	keys, err := b.projection.keys(e)
	if err != nil || len(keys) == 0 {
		return
	}
	b.changes, err = b.projection.step(b.changes[:0], e, keys, func(key string) state[D] { return b.docs[key] })
	if err != nil {
		return
	}
	for _, c := range b.changes {
		if c.exists {
			b.docs[c.key] = c.state
		} else {
			delete(b.docs, c.key)
		}
		if b.touched != nil {
			b.touched[c.key] = struct{}{}
		}
	}
}

func (b *builder[D]) size() int {
	if b.touched == nil {
		return len(b.docs)
	}
	return len(b.touched)
}

func (b *builder[D]) unwritten(fn func(string, []byte) error) error {
	type entry struct {
		key      string
		position uint64
	}
	entries := make([]entry, 0, b.size())
	keys := maps.Keys(b.docs)
	if b.touched != nil {
		keys = maps.Keys(b.touched)
	}
	for k := range keys {
		entries = append(entries, entry{k, b.docs[k].position})
	}
	slices.SortFunc(entries, func(x, y entry) int {
		return cmp.Or(cmp.Compare(x.position, y.position), cmp.Compare(x.key, y.key))
	})
	b.touched = make(map[string]struct{})
	var last state[D] // documents of one event are neighbours now, and often the same: encoded once
	var encoded []byte
	for _, e := range entries {
		var value []byte
		if s := b.docs[e.key]; s.exists {
			if encoded == nil || s != last {
				var err error
				if encoded, err = s.encode(); err != nil {
					return err
				}
				last = s
			}
			value = encoded
		}
		if err := fn(e.key, value); err != nil {
			return err
		}
	}
	return nil
}

// A site is one bucket being rebuilt.
type site struct {
	fold
	host       functions.Host
	puts       *puts
	generation uint64 // ours, once claimed
	written    bool   // at least once
}

// claim notes in the checkpoint that a generation of ours is under way, which ends any rebuild before us, and clears
// away what such ones left behind.
func (s *site) claim(ctx context.Context) error {
	var claimed view.Checkpoint
	err := s.update(ctx, func(c *view.Checkpoint) (bool, error) {
		c.Next = max(c.Generation, c.Next) + 1 // never one that was used before
		claimed = *c
		return true, nil
	})
	if err != nil {
		return err
	}
	s.generation = claimed.Next
	return s.clear(ctx, claimed.Generation)
}

// write puts everything that was folded since the last write, and returns when it is stored. The first time, when that
// is everything there is, few of the puts are acknowledged, which makes them half again as fast: the stream is asked at
// the end how many it has.
func (s *site) write(ctx context.Context, wrote func(int)) error {
	b, n, first := s.bucket(), 0, !s.written
	s.written = true
	var last *nats.Msg
	err := s.unwritten(func(key string, value []byte) error {
		if n++; n%1024 == 0 {
			wrote(1024)
		}
		subject := b.Subject(view.DocKey(s.generation, key))
		if value == nil {
			return s.puts.put(ctx, jet.Deletion(subject))
		}
		last = &nats.Msg{Subject: subject, Data: value}
		if first {
			return s.puts.stream(ctx, last)
		}
		return s.puts.put(ctx, last)
	})
	if err != nil {
		return err
	}
	wrote(n % 1024)
	if first && n > 0 { // once more and acknowledged: then all before it have arrived
		if err := s.puts.put(ctx, last); err != nil {
			return err
		}
	}
	if err := s.puts.wait(ctx); err != nil || !first {
		return err
	}
	return s.verify(ctx, n)
}

// errMissing is the error of a first write of which something was not stored.
var errMissing = errors.New("the bucket did not store everything")

// verify asks the stream whether it holds n documents of our generation.
func (s *site) verify(ctx context.Context, n int) error {
	b := s.bucket()
	counter, err := again(ctx, func(ctx context.Context) (jetstream.Consumer, error) {
		return s.host.JS.CreateConsumer(ctx, b.Stream(), jetstream.ConsumerConfig{
			Description:       "counts what a rebuild wrote",
			FilterSubject:     b.Subject(view.DocKey(s.generation, ">")),
			AckPolicy:         jetstream.AckNonePolicy,
			MemoryStorage:     true,
			InactiveThreshold: time.Minute,
		})
	})
	if err != nil {
		return fmt.Errorf("%s: count: %w", b.Name, err)
	}
	info := counter.CachedInfo()
	// It has told what it was made for. If it cannot be removed now, it ends by itself.
	if err := s.host.JS.DeleteConsumer(ctx, b.Stream(), info.Name); err != nil && ctx.Err() != nil {
		return fmt.Errorf("%s: count: %w", b.Name, err)
	}
	if info.NumPending != uint64(n) {
		return fmt.Errorf("%s: %w: %d of %d documents", b.Name, errMissing, info.NumPending, n)
	}
	return nil
}

// switchOver makes our generation, which reflects position, the one to read. If the live fold is further than that it
// changes nothing and returns how far, for us to catch up; otherwise, or if it is to switch whatever the live fold has,
// it returns 0.
func (s *site) switchOver(ctx context.Context, position uint64, whatever bool) (ahead uint64, err error) {
	err = s.update(ctx, func(c *view.Checkpoint) (bool, error) {
		ahead = 0
		switch {
		case c.Next != s.generation:
			return false, fmt.Errorf("%s: %w", s.bucket().Name, ErrSuperseded)
		case c.Position > position && !whatever:
			ahead = c.Position
			return false, nil
		}
		*c = view.Checkpoint{Generation: s.generation, Position: position}
		return true, nil
	})
	return ahead, err
}

// abandon removes our generation, unless it is the one to read after all.
func (s *site) abandon(ctx context.Context) error {
	if s.generation == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, purgeTimeout)
	defer cancel()
	current := false
	err := s.update(ctx, func(c *view.Checkpoint) (bool, error) {
		current = c.Generation == s.generation
		// Our own switch may be under way still, its acknowledgement lost. After this put it can no longer succeed.
		return !current, nil
	})
	if err != nil || current {
		return err
	}
	return s.purge(ctx, s.generation)
}

func (s *site) checkpoint(ctx context.Context) (view.Checkpoint, uint64, error) {
	got, err := s.host.Views.Read(ctx, s.bucket(), 0)
	return got.Checkpoint, got.Revision, err
}

// update changes the checkpoint, if change says so; it is called again when the live fold was faster.
func (s *site) update(ctx context.Context, change func(*view.Checkpoint) (put bool, err error)) error {
	for {
		c, revision, err := s.checkpoint(ctx)
		if err != nil {
			return err
		}
		if put, err := change(&c); err != nil || !put {
			return err
		}
		if err := putCheckpoint(ctx, s.puts, s.bucket(), c, revision); !errors.Is(err, jet.ErrConflict) {
			return err
		}
	}
}

// clear removes every generation up to ours but the one to keep.
func (s *site) clear(ctx context.Context, keep uint64) error {
	for g := uint64(1); g <= s.generation; g++ {
		if g == keep {
			continue
		}
		if err := s.purge(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

// purgeTimeout is how long clearing away a generation may take; a million documents take seconds.
const purgeTimeout = 2 * time.Minute

// purge removes a generation.
func (s *site) purge(ctx context.Context, generation uint64) error {
	ctx, cancel := context.WithTimeout(ctx, purgeTimeout)
	defer cancel()
	b := s.bucket()
	stream, err := s.host.JS.Stream(ctx, b.Stream())
	if err == nil {
		err = stream.Purge(ctx, jetstream.WithPurgeSubject(b.Subject(view.DocKey(generation, ">"))))
	}
	if err != nil {
		return fmt.Errorf("%s: clear away generation %d: %w", b.Name, generation, err)
	}
	return nil
}

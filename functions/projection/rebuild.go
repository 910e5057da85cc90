package projection

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"natster/events"
	"natster/functions"
	"natster/internal/jet"
)

// ErrSuperseded is wrapped by a rebuild's error when another one of the same projection began later. That one goes on.
var ErrSuperseded = errors.New("another rebuild began after this one and has taken over")

// Progress is how far a rebuild is.
type Progress struct {
	Position, Last uint64 // of the log: folded, and the last there is
	Written, Docs  int    // documents, of all projections together
}

// Rebuild folds the log from its start into new generations of the projections' buckets, in one pass, and makes them
// the ones to read once they have caught up. Meanwhile the live fold goes on and readers read what they read before; a
// reader never meets an older state than one it has met. The buckets must be there, empty ones do; nc is an
// administrator's.
//
// If it fails or ctx ends, nothing has changed for the projections not yet switched; what it wrote is cleared away now
// or by the next rebuild. progress, if not nil, is called from one goroutine at a time and must not block.
//
// A log that has lost events is not rebuilt from: then it fails with an [events.Lost] and changes nothing. See
// [RebuildDespiteLoss].
func Rebuild(ctx context.Context, nc *nats.Conn, progress func(Progress), projections ...Rebuildable) error {
	return rebuildAll(ctx, nc, progress, false, projections)
}

// RebuildDespiteLoss is [Rebuild], but takes the log as it is: what it has lost is lost from then on for the
// projections, too.
func RebuildDespiteLoss(ctx context.Context, nc *nats.Conn, progress func(Progress), projections ...Rebuildable) error {
	return rebuildAll(ctx, nc, progress, true, projections)
}

func rebuildAll(
	ctx context.Context, nc *nats.Conn, progress func(Progress), despiteLoss bool, projections []Rebuildable,
) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("rebuild: %w", err)
		}
	}()
	r := &rebuild{despiteLoss: despiteLoss, report: progress}
	if r.Host, err = functions.Open(nc, jet.Own); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Direct.Close()) }()
	for _, p := range projections {
		s := &site{fold: p.builder(), host: r.Host}
		if s.puts, err = newPuts(nc, maxPending, rebuildTimeout); err != nil {
			return err
		}
		defer s.puts.close()
		r.sites = append(r.sites, s)
	}
	if err = r.run(ctx); err != nil { // what was written in vain is cleared away
		for _, s := range r.sites {
			err = errors.Join(err, s.abandon(context.WithoutCancel(ctx)))
		}
	}
	return err
}

// maxPending is how many puts to one bucket are under way at once: with more the server is no busier. rebuildTimeout
// is long because the server has much else to do meanwhile, our own puts.
const (
	maxPending     = 4096
	rebuildTimeout = 30 * time.Second
)

type rebuild struct {
	functions.Host
	sites       []*site // those not switched over yet
	position    uint64  // up to which they have folded
	despiteLoss bool    // what is lost of the log is not asked for

	mu       sync.Mutex
	progress Progress
	report   func(Progress)
}

func (r *rebuild) run(ctx context.Context) error {
	for _, s := range r.sites {
		if err := s.claim(ctx); err != nil {
			return err
		}
	}
	// What comes while a pass is written is the next pass, each a fraction of the one before.
	const few = 4096
	for behind := uint64(few + 1); behind > few; {
		last, err := r.last(ctx)
		if err != nil {
			return err
		}
		if err := r.whole(ctx, last); err != nil {
			return err
		}
		behind = last - r.position
		if err := r.foldTo(ctx, last); err != nil {
			return err
		}
		if err := r.write(ctx); err != nil {
			return err
		}
	}
	for len(r.sites) > 0 {
		if err := r.finish(ctx, r.sites[0]); err != nil {
			return err
		}
		r.sites = r.sites[1:]
	}
	return nil
}

// last is the last position of the log.
func (r *rebuild) last(ctx context.Context) (uint64, error) {
	stream, err := r.JS.Stream(ctx, events.LogStream)
	if err != nil {
		return 0, fmt.Errorf("the log: %w", err)
	}
	return stream.CachedInfo().State.LastSeq, nil
}

// whole fails if a projection has folded more than the log has.
func (r *rebuild) whole(ctx context.Context, last uint64) error {
	for _, s := range r.sites {
		c, _, err := s.checkpoint(ctx)
		if err != nil {
			return err
		}
		if c.Position <= last || r.despiteLoss {
			continue
		}
		if last, err = r.last(ctx); err != nil { // it may have been appended meanwhile
			return err
		}
		if c.Position > last {
			return fmt.Errorf("%s: %w", s.bucket().Name, &events.Lost{From: last + 1, To: c.Position})
		}
	}
	return nil
}

func (r *rebuild) foldTo(ctx context.Context, last uint64) error {
	if last <= r.position {
		return nil
	}
	err := scan(ctx, r.JS, r.Log, r.position+1, last, func(batch []decoded) error {
		for _, d := range batch {
			if errors.Is(d.err, events.ErrLost) && !r.despiteLoss {
				return d.err
			}
		}
		for _, s := range r.sites {
			for _, d := range batch {
				if d.err == nil {
					s.fold.fold(d.Envelope)
				}
			}
		}
		r.position = batch[len(batch)-1].Position
		r.change(func(p *Progress) { p.Position, p.Last = r.position, last })
		return nil
	})
	r.change(func(p *Progress) {
		p.Docs = p.Written
		for _, s := range r.sites {
			p.Docs += s.size()
		}
	})
	return err
}

// write writes all sites at once: each is a stream of its own.
func (r *rebuild) write(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range r.sites {
		g.Go(func() error { return s.write(ctx, r.wrote) })
	}
	return g.Wait()
}

// finish catches up with the live fold and switches over.
func (r *rebuild) finish(ctx context.Context, s *site) error {
	for position, whatever := r.position, false; ; {
		ahead, err := s.switchOver(ctx, position, whatever)
		if err != nil {
			return err
		}
		if ahead == 0 {
			return s.clear(ctx, s.generation)
		}
		position, err = r.Log.Replay(ctx, position+1, 0, func(e events.Envelope, undecodable error) error {
			switch {
			case undecodable == nil:
				s.fold.fold(e)
			case errors.Is(undecodable, events.ErrLost) && !r.despiteLoss:
				return undecodable
			}
			return nil
		})
		if err != nil {
			return err
		}
		// A replica that is behind makes us ask again; a log that ends before the old documents does not grow by
		// asking.
		if last, err := r.last(ctx); err != nil {
			return err
		} else if last < ahead {
			if !r.despiteLoss {
				return fmt.Errorf("%s: %w", s.bucket().Name, &events.Lost{From: last + 1, To: ahead})
			}
			whatever = position >= last
		}
		if err := s.write(ctx, r.wrote); err != nil {
			return err
		}
	}
}

func (r *rebuild) wrote(docs int) {
	r.change(func(p *Progress) {
		p.Written += docs
		p.Docs = max(p.Docs, p.Written)
	})
}

func (r *rebuild) change(f func(*Progress)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.progress)
	if r.report != nil {
		r.report(r.progress)
	}
}

package projection

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/events"
	"natster/functions"
	"natster/functions/view"
	"natster/internal/jet"
)

// A Health is what is known of the log. Nothing in the log is ever deleted, so what is missing was lost.
type Health struct {
	Last   uint64 // position that the log ends at
	Events uint64 // how many it gave, all of them well formed
	Lost   []Loss // in order
	Bad    []Bad  // in order, the first maxBad
	Ahead  []Ahead
}

// A Loss is positions that the log cannot give, From to To inclusive, and when what stands beside them was logged: zero
// where nothing does, or where it was not looked at.
type Loss struct {
	From, To      uint64
	After, Before time.Time
}

// A Bad is a message of the log that is not an event.
type Bad struct {
	Position uint64
	Logged   time.Time
	Why      string
}

// An Ahead is a projection that has folded more than there is in the log: the proof that the log has lost its end, or
// was set back to an older one.
type Ahead struct {
	Bucket   view.Bucket
	Position uint64
}

// maxBad is how many messages that are not events a Health lists.
const maxBad = 100

// Sound reports whether nothing is wrong.
func (h Health) Sound() bool { return len(h.Lost)+len(h.Bad)+len(h.Ahead) == 0 }

// Missing is how many events were lost, as far as is known.
func (h Health) Missing() (n uint64) {
	for _, l := range h.Lost {
		n += l.To - l.From + 1
	}
	return n
}

// lose adds a loss, as a part of the last one if it follows that.
func (h *Health) lose(l Loss) {
	if n := len(h.Lost); n > 0 && h.Lost[n-1].To+1 == l.From {
		h.Lost[n-1].To = l.To
	} else {
		h.Lost = append(h.Lost, l)
	}
}

// cut adds what the projections know that the log lost at its end, whose last message was logged then.
func (h *Health) cut(logged time.Time) {
	to := h.Last
	for _, a := range h.Ahead {
		to = max(to, a.Position)
	}
	if to > h.Last {
		h.Lost = append(h.Lost, Loss{From: h.Last + 1, To: to, After: logged})
	}
}

// Err is nil for a sound log, and otherwise says in a sentence what is wrong first of all; it wraps [events.ErrLost] or
// [events.ErrEvent].
func (h Health) Err() error {
	switch {
	case len(h.Ahead) > 0:
		a := h.Ahead[0]
		return fmt.Errorf("%w: the log ends at position %d, and the projection %s has seen position %d: "+
			"it lost its end, or is an older one", events.ErrLost, h.Last, a.Bucket.Name, a.Position)
	case len(h.Lost) > 0:
		return &events.Lost{From: h.Lost[0].From, To: h.Lost[0].To}
	case len(h.Bad) > 0:
		return fmt.Errorf("%w: position %d of the log: %s", events.ErrEvent, h.Bad[0].Position, h.Bad[0].Why)
	}
	return nil
}

// QuickCheck asks what the server knows of the log by itself, and compares it with the projections. It costs the same
// however long the log is. It sees a log that lost its beginning or its end, and what the server noticed when it
// started; not a message that can no longer be read, which only [Check] meets.
func QuickCheck(ctx context.Context, nc *nats.Conn, buckets ...view.Bucket) (h Health, err error) {
	host, err := functions.Open(nc, jet.Own)
	if err != nil {
		return h, err
	}
	defer func() { err = errors.Join(err, host.Direct.Close()) }()
	if h.Ahead, h.Last, err = ahead(ctx, host, buckets); err != nil {
		return h, err
	}
	log, err := host.JS.Stream(ctx, events.LogStream)
	if err != nil {
		return h, fmt.Errorf("the log: %w", err)
	}
	state := log.CachedInfo().State
	if state.NumDeleted > 0 {
		info, err := log.Info(ctx, jetstream.WithDeletedDetails(true))
		if err != nil {
			return h, fmt.Errorf("the log: %w", err)
		}
		state = info.State
	}
	h.Last, h.Events = state.LastSeq, state.Msgs
	if first := max(state.FirstSeq, 1); first > 1 {
		h.Lost = append(h.Lost, Loss{From: 1, To: min(first-1, state.LastSeq), Before: state.FirstTime})
	}
	slices.Sort(state.Deleted)
	for _, position := range state.Deleted {
		h.lose(Loss{From: position, To: position})
	}
	h.cut(state.LastTime)
	return h, nil
}

// Check reads every position of the log, decodes every event, and compares the end with the projections. Events that
// are appended meanwhile are not looked at. progress, if not nil, is called with the position it has come to and the
// last.
func Check(
	ctx context.Context, nc *nats.Conn, progress func(at, last uint64), buckets ...view.Bucket,
) (h Health, err error) {
	host, err := functions.Open(nc, jet.Own)
	if err != nil {
		return h, err
	}
	defer func() { err = errors.Join(err, host.Direct.Close()) }()
	if h.Ahead, h.Last, err = ahead(ctx, host, buckets); err != nil {
		return h, err
	}
	at, logged, open := uint64(0), time.Time{}, false
	defer func() { h.cut(logged) }()
	if h.Last == 0 {
		return h, nil
	}
	err = scan(ctx, host.JS, host.Log, 1, h.Last, func(batch []decoded) error {
		for _, d := range batch {
			if lost, ok := errors.AsType[*events.Lost](d.err); ok {
				h.lose(Loss{From: lost.From, To: lost.To, After: logged})
				at, open = lost.To, true
				continue
			}
			if open {
				h.Lost[len(h.Lost)-1].Before, open = d.logged, false
			}
			at, logged = d.Position, d.logged
			switch {
			case d.err == nil:
				h.Events++
			case len(h.Bad) < maxBad:
				h.Bad = append(h.Bad, Bad{Position: d.Position, Logged: d.logged, Why: d.err.Error()})
			}
		}
		if progress != nil {
			progress(at, h.Last)
		}
		return nil
	})
	if err != nil {
		return h, fmt.Errorf("check: %w", err)
	}
	return h, nil
}

// ahead are the projections that have seen more than the log has, and its last position. Buckets that are not there
// have seen nothing. The projections are asked first: the log may only have grown since.
func ahead(ctx context.Context, h functions.Host, buckets []view.Bucket) (seen []Ahead, last uint64, err error) {
	for _, b := range buckets {
		if _, err := h.JS.Stream(ctx, b.Stream()); errors.Is(err, jetstream.ErrStreamNotFound) {
			continue
		}
		at, err := Position(ctx, h.Views, b)
		if err != nil {
			return nil, 0, fmt.Errorf("projection %s: %w", b.Name, err)
		}
		seen = append(seen, Ahead{b, at})
	}
	log, err := h.JS.Stream(ctx, events.LogStream)
	if err != nil {
		return nil, 0, fmt.Errorf("the log: %w", err)
	}
	last = log.CachedInfo().State.LastSeq
	return slices.DeleteFunc(seen, func(a Ahead) bool { return a.Position <= last }), last, nil
}

package projection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"natster/events"
	"natster/functions"
	"natster/functions/view"
)

// A Projection folds the log into a document of type D per key. Keys and Apply are pure: all they know is in their
// arguments, and time is the event's.
type Projection[D comparable] struct {
	Bucket view.Bucket
	// Keys are those of the documents that e may change, a few at most; none if e is of no concern.
	Keys func(e events.Envelope) []string
	// Apply returns the document under key after e, and whether there is one; d is the one before, the zero value if
	// there was none. It fails when the event itself is malformed, whatever d is: then e changes nothing under any key.
	Apply func(key string, d D, e events.Envelope) (after D, keep bool, err error)
}

// ErrPanic is wrapped when Keys or Apply panicked.
var ErrPanic = errors.New("fold panicked")

// Function returns a function that keeps the projection up to date.
func (p Projection[D]) Function(name, doc string) functions.Function {
	return functions.Function{
		Name:     name,
		Doc:      doc,
		Triggers: []functions.Trigger{functions.OnLog((*Live[D]).Handle, (*Live[D]).Ahead)},
		Access:   functions.Access{ReadsLog: true, Writes: []view.Bucket{p.Bucket}},
		New: func(ctx context.Context, h functions.Host) (functions.Instance, error) {
			return p.Live(ctx, h, name)
		},
	}
}

// Fold folds evs in memory and returns the documents, encoded as the bucket has them, by key. Events that cannot be
// folded are passed over. It is what any bucket of this projection must hold after these events.
func (p Projection[D]) Fold(evs ...events.Envelope) (map[string]string, error) {
	b := newBuilder(p)
	for _, e := range evs {
		b.fold(e)
	}
	docs := make(map[string]string, len(b.docs))
	for key, s := range b.docs {
		v, err := s.encode()
		if err != nil {
			return nil, err
		}
		docs[key] = string(v)
	}
	return docs, nil
}

// A state is what is known of one document.
type state[D any] struct {
	exists   bool
	position uint64 // of the event that last changed it, or deleted it; 0 if there was none, or it is not known
	doc      D
}

func (s state[D]) encode() ([]byte, error) {
	return json.Marshal(view.Stored[D]{Position: s.position, Doc: s.doc})
}

// A change is a document's state after an event.
type change[D any] struct {
	key string
	state[D]
}

// keys are the keys of e's documents; a panic is an error.
func (p Projection[D]) keys(e events.Envelope) (keys []string, err error) {
	defer contain(&err)
	return p.Keys(e), nil
}

// step returns what e changes of the documents under keys, given their states before. It is all or nothing.
func (p Projection[D]) step(
	changes []change[D], e events.Envelope, keys []string, before func(string) state[D],
) (_ []change[D], err error) {
	defer contain(&err)
	for _, key := range keys {
		s := before(key)
		if s.position >= e.Position {
			continue // folded already
		}
		doc, keep, err := p.Apply(key, s.doc, e)
		switch {
		case err != nil:
			return nil, err
		case keep && !(s.exists && doc == s.doc):
			changes = append(changes, change[D]{key, state[D]{true, e.Position, doc}})
		case !keep && s.exists:
			changes = append(changes, change[D]{key, state[D]{position: e.Position}})
		}
	}
	return changes, nil
}

// malformed returns why e cannot be folded, from e alone; nil if it can.
func (p Projection[D]) malformed(e events.Envelope) error {
	keys, err := p.keys(e)
	if err != nil {
		return err
	}
	_, err = p.step(nil, e, keys, func(string) state[D] { return state[D]{} })
	return err
}

func contain(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", ErrPanic, p)
	}
}

// Position is the position of the log up to which the bucket reflects it.
func Position(ctx context.Context, views *view.Reader, b view.Bucket) (uint64, error) {
	s, err := views.Read(ctx, b, 0)
	return s.Position, err
}

// Settle returns when every bucket reflects the log up to position, or with [view.ErrBehind] when ctx ends first.
func Settle(ctx context.Context, views *view.Reader, position uint64, buckets ...view.Bucket) error {
	for _, b := range buckets {
		if _, err := views.Read(ctx, b, position); err != nil {
			return err
		}
	}
	return nil
}

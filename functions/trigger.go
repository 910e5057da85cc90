package functions

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"natster/events"
	"natster/functions/api"
	"natster/functions/view"
	"natster/internal/jet"
	"natster/internal/limiter"
)

// A Kind is one of the three kinds of trigger.
type Kind string

// The kinds.
const (
	KindRequest Kind = "subject" // a request, or a message that wants no reply
	KindEvent   Kind = "event"   // an event of the log
	KindKey     Kind = "key"     // a change of a key-value bucket
)

// A Trigger is what wakes a function, and which method of its instance is called then. It is made by [Request],
// [OnEvent], [OnLog] or [OnKey].
type Trigger struct {
	Kind    Kind
	Name    string   // the endpoint, "log", or the bucket
	Filters []string // the subjects that it hears

	writes   bool        // of a subject trigger: it may have to keep something
	max      int         // of a subject trigger: bytes of the largest request
	weight   int         // of a subject trigger: handlers that a request counts as
	internal bool        // of a subject trigger: only other functions reach it
	stream   string      // of the two others
	bucket   view.Bucket // of a key trigger
	skips    bool        // of an event trigger: it can take many events at once
	bind     func(Instance) (handlers, error)
}

// handlers are the methods of one instance that a trigger calls.
type handlers struct {
	serve  func(context.Context, *Call, []byte) (any, error)                   // of a subject trigger
	handle func(context.Context, jet.Message) error                            // of the two others
	ahead  func(ctx context.Context, after uint64) (reached uint64, err error) // where it skips
}

// A bound trigger is one whose handlers have their instance.
type bound struct {
	Trigger
	handlers
}

// bind gives the triggers of f their instance. The error wraps [ErrDeclaration].
func (f Function) bind(i Instance) ([]bound, error) {
	all := make([]bound, len(f.Triggers))
	for n, t := range f.Triggers {
		h, err := t.bind(i)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: trigger %s: %w", ErrDeclaration, f.Name, t.Name, err)
		}
		all[n] = bound{t, h}
	}
	return all, nil
}

// binding returns the bind of a trigger whose handlers are methods of type I.
func binding[I Instance](methods func(I) handlers) func(Instance) (handlers, error) {
	return func(i Instance) (handlers, error) {
		typed, ok := i.(I)
		if !ok {
			return handlers{}, fmt.Errorf("its handler is a method of %v, and New returned %T", reflect.TypeFor[I](), i)
		}
		return methods(typed), nil
	}
}

// A Call is one request as its handler sees it, beside the decoded body.
type Call struct {
	From        events.Account // who asks, as NATS proves it; no account for an internal request
	Subject     string         // of the request, as it arrived; for endpoints whose name is a pattern
	MinPosition uint64         // the answer must reflect at least this position of the log

	// KeepsPositions says that the caller sends positions along, be it 0, and so reads its own writes by itself.
	KeepsPositions bool

	position uint64
	next     string
	views    *view.Reader
	release  func() // its handler is free for others: it will only wait
	waiting  *limiter.Limiter[events.Account]
	settling *limiter.Limiter[events.Account]
}

// Reflects says which position of the log the answer reflects; the reply carries it.
func (c *Call) Reflects(position uint64) { c.position = position }

// Next says that there is more than the answer holds, to be had with this cursor.
func (c *Call) Next(cursor string) { c.next = cursor }

// Request is the trigger for an endpoint. Whatever the method h returns is answered; an error goes through the one
// table of package api, and what that table does not know becomes "internal error" for the caller and a full story for
// the operator.
func Request[I Instance, Q, A any](e api.Endpoint[Q, A], h func(I, context.Context, *Call, Q) (A, error)) Trigger {
	return Trigger{
		Kind:     KindRequest,
		Name:     e.Name,
		Filters:  []string{e.Service()},
		writes:   e.Writes,
		internal: e.Internal,
		max:      e.MaxRequest(),
		weight:   max(1, e.Weight),
		bind: binding(func(i I) handlers {
			return handlers{serve: func(ctx context.Context, c *Call, body []byte) (any, error) {
				q, err := e.Decode(body)
				if err != nil {
					return nil, err
				}
				return h(i, ctx, c, q)
			}}
		}),
	}
}

// ErrPoison is wrapped by a handler's error to say that no repetition can help: the message is set aside and reported.
var ErrPoison = errors.New("cannot be handled")

// OnEvent is the trigger for events of the log, of the given types or of all. Events come in order, each after the one
// before has been acknowledged, over all instances of the function. The handler returns nil to acknowledge, an error to
// be called again later with the same event, an error that wraps [ErrPoison] to have it set aside. What has failed too
// often is set aside, too, unless the error wraps [api.ErrUnavailable].
func OnEvent[I Instance](h func(I, context.Context, events.Envelope) error, types ...events.Type) Trigger {
	filters := []string{events.LogAll}
	if len(types) > 0 {
		filters = nil
		for _, t := range types {
			filters = append(filters, events.LogOfType(t))
		}
	}
	return Trigger{
		Kind:    KindEvent,
		Name:    "log",
		Filters: filters,
		stream:  events.LogStream,
		bind: binding(func(i I) handlers {
			return handlers{handle: func(ctx context.Context, m jet.Message) error {
				e, err := events.Decode(m.Subject, m.Header, m.Data)
				if err != nil {
					return errors.Join(ErrPoison, err)
				}
				return h(i, ctx, events.Envelope{Event: e, Position: m.Sequence})
			}}
		}),
	}
}

// OnLog is [OnEvent] for all types, of a function that can take many events at once when it is behind. Then, after an
// event was handled, ahead is called with its position: it reads the log for itself and returns the last position that
// the function has dealt with. Events up to there are not delivered any more; what it does not deal with comes as ever.
// A failure changes nothing. As with the handler, one instance at a time does this, unless one is very slow: to deal
// with events twice must be harmless.
func OnLog[I Instance](h func(I, context.Context, events.Envelope) error,
	ahead func(i I, ctx context.Context, after uint64) (reached uint64, err error),
) Trigger {
	t := OnEvent(h)
	handling := t.bind
	t.skips = true
	t.bind = func(i Instance) (handlers, error) {
		both, err := handling(i)
		if err == nil {
			both.ahead = func(ctx context.Context, after uint64) (uint64, error) { return ahead(i.(I), ctx, after) }
		}
		return both, err
	}
	return t
}

// A Change is one change of a key. Of several changes while the function was down it hears the last.
type Change struct {
	Key   string
	Gone  bool   // deleted, or not put again within the bucket's TTL; what was deleted expires, too, and is gone again
	Value []byte // of a put
	Time  time.Time
}

// OnKey is the trigger for changes of a bucket's keys, in order and acknowledged as in [OnEvent].
func OnKey[I Instance](b view.Bucket, h func(I, context.Context, Change) error) Trigger {
	return Trigger{
		Kind:    KindKey,
		Name:    b.Name,
		Filters: []string{b.Subject(">")},
		stream:  b.Stream(),
		bucket:  b,
		bind: binding(func(i I) handlers {
			return handlers{handle: func(ctx context.Context, m jet.Message) error {
				gone := jet.Deleted(m.Header)
				return h(i, ctx, Change{Key: b.Key(m.Subject), Gone: gone, Value: m.Data, Time: m.Time})
			}}
		}),
	}
}

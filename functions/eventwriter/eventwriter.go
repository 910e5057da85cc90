package eventwriter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nuid"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
)

// tries is how often a command is decided anew because another writer was faster. Each time one of the writers wins, and
// most commands are settled by another's win (the name is taken, it is already shared), so that few are ever needed.
const tries = 8

type writer struct {
	log  *events.Log
	now  func() time.Time
	tell *slog.Logger
}

// New returns the function.
func New() functions.Function {
	w := &writer{}
	return functions.Function{
		Name: "eventwriter",
		Doc:  "decides commands against the event log and appends the events that follow",
		Triggers: []functions.Trigger{
			functions.Request(api.Put, w.put),
			functions.Request(api.PutInternal("*", "*"), w.putInternal),
		},
		Access: functions.Access{AppendsLog: true},
		Open: func(h functions.Host) error {
			w.log, w.now, w.tell = h.Log, h.Now, h.Logger
			return nil
		},
	}
}

func (w *writer) put(ctx context.Context, call *functions.Call, q api.PutRequest) (api.PutReply, error) {
	c, err := fromClient(call.From, q)
	if err != nil {
		return api.PutReply{}, err
	}
	return w.carryOut(ctx, call, c)
}

func (w *writer) putInternal(ctx context.Context, call *functions.Call, q api.PutRequest) (api.PutReply, error) {
	c, err := fromFunction(call.Subject, q)
	if err != nil {
		return api.PutReply{}, err
	}
	return w.carryOut(ctx, call, c)
}

func (w *writer) carryOut(ctx context.Context, call *functions.Call, c Command) (api.PutReply, error) {
	for range tries {
		position, err := w.try(ctx, c, call.MinPosition)
		if errors.Is(err, events.ErrConflict) {
			continue
		}
		if err != nil {
			return api.PutReply{}, err
		}
		call.Reflects(position)
		return api.PutReply{}, nil
	}
	return api.PutReply{}, api.Errorf(api.ErrUnavailable, "%s: too many others change the same at once: try again", c.Type)
}

// try reads, at least what the caller has seen, decides and appends. [events.ErrConflict] says that another writer got in
// between.
func (w *writer) try(ctx context.Context, c Command, least uint64) (uint64, error) {
	if c.Type == events.Initialized {
		least = 0 // nothing is what there should be, and of nothing no replica can say that it is up to date; the append can
	}
	last, err := w.log.LastSince(ctx, least, c.Filters()...)
	if err != nil {
		return 0, w.unavailable(c, err)
	}
	var f Facts
	for _, e := range last {
		if err := f.Learn(c, e); err != nil {
			return 0, fmt.Errorf("position %d: %w", e.Position, err)
		}
	}
	d, err := Decide(c, f)
	if err != nil {
		return 0, err
	}
	if len(d.Appends) == 0 {
		return d.Already, nil
	}
	now := w.now().UTC()
	for i := range d.Appends {
		d.Appends[i].Event.ID, d.Appends[i].Event.Time = nuid.Next(), now
	}
	// One after the other: for an atomic batch the server makes, syncs and removes a file of its own, which costs as much as
	// forty appends. Nothing is wrong with a claim whose share did not follow: the name is its owner's, who tries again.
	var position uint64
	for _, a := range d.Appends {
		position, err = w.log.Append(ctx, a)
		switch {
		case errors.Is(err, events.ErrConflict):
			return 0, err
		case err != nil:
			return 0, w.unavailable(c, err)
		}
	}
	return position, nil
}

// unavailable says that the log did not answer: the command may be repeated, whether or not it was carried out. Why is for
// the operator.
func (w *writer) unavailable(c Command, err error) error {
	if errors.Is(err, events.ErrEvent) {
		return err
	}
	w.tell.Error("the event log does not answer", "account", c.Origin, "type", c.Type, "err", err)
	return api.Errorf(api.ErrUnavailable, "%s was not acknowledged by the event log: try again", c.Type)
}

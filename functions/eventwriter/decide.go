package eventwriter

import (
	"natster/events"
	"natster/functions/api"
)

// Filters are the subjects of the log that the command's decision depends on: all that [Facts.Learn] wants to see.
func (c Command) Filters() []string {
	initialized := events.LogSubject(events.Event{Type: events.Initialized, Origin: c.Origin})
	switch c.Type {
	case events.Initialized:
		return []string{initialized}
	case events.Bound:
		return []string{initialized, events.LogSubject(events.Event{Type: events.Bound, Origin: c.Origin})}
	case events.Imported:
		return []string{initialized, c.edge(), c.reverse()}
	}
	return []string{initialized, c.edge()}
}

// edge is what the origin said of the catalog to the target, and reverse what the target said of it to the origin.
func (c Command) edge() string    { return events.LogEdge(c.Origin, c.Target, c.Catalog) }
func (c Command) reverse() string { return events.LogEdge(c.Target, c.Origin, c.Catalog) }

// Facts are what the log says about a command, learned from the last event on each of its filters. Positions are 0 for
// what did not happen.
type Facts struct {
	initialized uint64 // when the origin was
	edge        uint64 // the last thing the origin said to the target about the catalog
	shared      uint64 // when the catalog came to be shared, by origin or (of Imported) by target
	unshared    uint64
	imported    uint64
	bound       uint64 // when the origin was last bound to a login
}

// Learn takes in one of the events. The order does not matter.
func (f *Facts) Learn(c Command, e events.Envelope) {
	if e.Origin == c.Origin && e.Target == c.Target && !e.Target.IsZero() {
		f.edge = max(f.edge, e.Position)
	}
	switch e.Type {
	case events.Initialized:
		f.initialized = e.Position
	case events.Shared:
		f.shared = e.Position
	case events.Unshared:
		f.unshared = e.Position
	case events.Imported:
		f.imported = e.Position
	case events.Bound:
		f.bound = e.Position
	}
}

func (f Facts) isShared() bool { return f.shared > f.unshared }

// A Decision is what follows from a command: one event, or none where it is already so, since position Already.
type Decision struct {
	Append  *events.Append // the event still without id and time
	Already uint64
}

// Decide returns what follows from c, or why it is refused. It touches no clock, store or subject: all it may know is
// in c and f.
func Decide(c Command, f Facts) (Decision, error) {
	if c.Type == events.Initialized {
		if f.initialized != 0 {
			return Decision{}, api.Errorf(api.ErrBadRequest, "this account is already initialized (position %d)", f.initialized)
		}
		return one(events.Append{Event: events.WithData(
			events.Event{Type: c.Type, Origin: c.Origin},
			events.InitializedData{AccountID: c.ID, AccountName: c.Name, AccountKey: c.Origin})}), nil
	}
	if f.initialized == 0 {
		return Decision{}, api.Errorf(api.ErrBadRequest, "this account is not initialized: natster init does that")
	}
	fact := events.Append{
		Event:  events.Event{Type: c.Type, Origin: c.Origin, Target: c.Target, Catalog: c.Catalog},
		Filter: c.edge(),
		Last:   f.edge,
	}
	switch c.Type {
	case events.Shared:
		if f.isShared() {
			return Decision{Already: f.shared}, nil
		}
		return one(fact), nil
	case events.Unshared:
		if !f.isShared() {
			return Decision{Already: f.unshared}, nil
		}
		return one(fact), nil
	case events.Imported:
		switch {
		case !f.isShared():
			return Decision{}, api.Errorf(api.ErrForbidden, "%s does not share a catalog called %s with this account", c.Target, c.Catalog)
		case f.imported > f.shared:
			return Decision{Already: f.imported}, nil
		}
		return one(fact), nil
	case events.Bound: // whatever was before, the last binding wins; but what is in the log cannot be said again by copying it
		return one(events.Append{Event: events.WithData(fact.Event, c.Bound), Last: f.bound}), nil
	}
	return Decision{}, api.Errorf(api.ErrBadRequest, "unknown event type %s", c.Type)
}

func one(a events.Append) Decision { return Decision{Append: &a} }

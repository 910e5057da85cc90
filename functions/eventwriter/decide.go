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
	if c.Type == events.Shared {
		target := events.LogSubject(events.Event{Type: events.Initialized, Origin: c.Target})
		return []string{initialized, c.edge(), target}
	}
	return []string{initialized, c.edge()}
}

// edge is what the origin said of the catalog to the target, and reverse what the target said of it to the origin.
func (c Command) edge() string    { return events.LogEdge(c.Origin, c.Target, c.Catalog) }
func (c Command) reverse() string { return events.LogEdge(c.Target, c.Origin, c.Catalog) }

// Facts are what the log says about a command, learned from the last event on each of its filters. Positions are 0 for
// what did not happen.
type Facts struct {
	edge uint64                 // the last thing the origin said to the target about the catalog
	last map[events.Type]uint64 // the last event of each type that concerns the command

	target bool // the target is initialized
}

// Learn takes in one of the events. The order does not matter.
func (f *Facts) Learn(c Command, e events.Envelope) {
	if e.Origin == c.Origin && e.Target == c.Target && !e.Target.IsZero() {
		f.edge = max(f.edge, e.Position)
	}
	if e.Type == events.Initialized && e.Origin == c.Target {
		f.target = true
		return
	}
	if e.Type != events.Initialized && owner(e.Type, e.Origin, e.Target) != owner(c.Type, c.Origin, c.Target) {
		return // it is about the other's catalog of that name
	}
	if f.last == nil {
		f.last = make(map[events.Type]uint64)
	}
	f.last[e.Type] = max(f.last[e.Type], e.Position)
}

// owner is whose catalog origin says something about.
func owner(t events.Type, origin, target events.Account) events.Account {
	if t == events.Imported {
		return target
	}
	return origin
}

// lacksTarget reports whether the command is refused for nothing but that its target is not initialized.
func (f Facts) lacksTarget(c Command) bool {
	return c.Type == events.Shared && !f.target && !f.isShared() && f.last[events.Initialized] != 0
}

func (f Facts) isShared() bool { return f.last[events.Shared] > f.last[events.Unshared] }

// A Decision is what follows from a command: one event, or none where it is already so, since position Already.
type Decision struct {
	Append  *events.Append // the event still without id and time
	Already uint64
}

// Decide returns what follows from c, or why it is refused. It touches no clock, store or subject: all it may know is
// in c and f.
func Decide(c Command, f Facts) (Decision, error) {
	if c.Type == events.Initialized {
		if f.last[events.Initialized] != 0 {
			return Decision{}, api.Errorf(api.ErrBadRequest,
				"this account is already initialized (position %d)", f.last[events.Initialized])
		}
		return Decision{Append: &events.Append{Event: events.WithData(
			events.Event{Type: c.Type, Origin: c.Origin},
			events.InitializedData{AccountID: c.ID, AccountName: c.Name, AccountKey: c.Origin})}}, nil
	}
	if f.last[events.Initialized] == 0 {
		return Decision{}, api.Errorf(api.ErrBadRequest, "this account is not initialized: natster init does that")
	}
	fact := &events.Append{
		Event:  events.Event{Type: c.Type, Origin: c.Origin, Target: c.Target, Catalog: c.Catalog},
		Filter: c.edge(),
		Last:   f.edge,
	}
	switch c.Type {
	case events.Shared:
		if f.isShared() {
			return Decision{Already: f.last[events.Shared]}, nil
		}
		if !f.target { // the log keeps every share for ever: none with those who are not there
			return Decision{}, api.Errorf(api.ErrNotFound, "no account %s is initialized here: "+
				"ask its owner to run natster init first", c.Target)
		}
		return Decision{Append: fact}, nil
	case events.Unshared:
		if !f.isShared() {
			return Decision{Already: f.last[events.Unshared]}, nil
		}
		return Decision{Append: fact}, nil
	case events.Imported:
		switch {
		case !f.isShared():
			return Decision{}, api.Errorf(api.ErrForbidden,
				"%s does not share a catalog called %s with this account", c.Target, c.Catalog)
		case f.last[events.Imported] > f.last[events.Shared]:
			return Decision{Already: f.last[events.Imported]}, nil
		}
		return Decision{Append: fact}, nil
	case events.Bound: // the last binding wins; the condition is there so that a copy of the event is refused
		return Decision{Append: &events.Append{
			Event: events.WithData(fact.Event, c.Bound), Last: f.last[events.Bound],
		}}, nil
	}
	return Decision{}, api.Errorf(api.ErrBadRequest, "unknown event type %s", c.Type)
}

package functions

import (
	"slices"
	"time"

	"natster/events"
	"natster/internal/jet"
)

// A Service is what a function's account imports from another: a subject there, at which it may ask. The account is the
// boundary between functions, because an answer goes only where the asker's own account may publish: see
// docs/decisions/0006-an-account-per-function.md.
type Service struct {
	Subject string        // in the account that exports it
	Local   string        // in the function's own account
	Many    bool          // more than one message may answer a request
	Timeout time.Duration // until an answer, and between two: how long the server remembers who asked
}

// How long the server remembers who asked. Of what has many answers it remembers that long after the last one, too.
const (
	answerTimeout = 10 * time.Second
	readsTimeout  = 2 * time.Second // answered at once, by one server
	pullTimeout   = pullExpiry + 4*time.Second
	// RequestTimeout is the one of the endpoints: longer than any function may take.
	RequestTimeout = 2 * time.Minute
)

// Data returns what the function's account imports from the account that owns JetStream: what the declaration says and
// nothing else, sorted by subject.
func (f Function) Data() []Service {
	var all []Service
	one := func(subject, local string) { all = append(all, Service{subject, local, false, answerTimeout}) }
	api := func(name string, many bool, timeout time.Duration) {
		all = append(all, Service{jet.Own.Subject(name), jet.Imported.Subject(name), many, timeout})
	}
	for _, t := range f.Triggers {
		if t.Kind == KindRequest {
			continue
		}
		consumer := t.stream + "." + f.Name
		api("CONSUMER.INFO."+consumer, false, answerTimeout)
		api("CONSUMER.MSG.NEXT."+consumer, true, pullTimeout)
		if t.skips {
			api("CONSUMER.RESET."+consumer, false, answerTimeout)
		}
		for _, subject := range []string{"$JS.ACK." + consumer + ".>", events.PoisonSubject(f.Name)} {
			one(subject, subject)
		}
	}
	reads := func(stream string) { api("DIRECT.GET."+stream, true, readsTimeout) }
	if f.Access.ReadsLog || f.Access.AppendsLog {
		reads(events.LogStream)
	}
	if f.Access.AppendsLog {
		one(events.LogAll, events.LogAll)
	}
	for _, b := range f.Access.Reads {
		reads(b.Stream())
	}
	for _, b := range f.Access.Writes {
		reads(b.Stream())
		one(b.Subject(">"), b.Subject(">"))
	}
	slices.SortFunc(all, func(a, b Service) int {
		if a.Subject < b.Subject {
			return -1
		}
		return 1
	})
	return slices.CompactFunc(all, func(a, b Service) bool { return a.Subject == b.Subject })
}

// Endpoints returns the subjects at which f answers: those that accounts reach through the account global, and those
// that only other functions reach.
func (f Function) Endpoints() (public, internal []string) {
	for _, t := range f.Triggers {
		switch {
		case t.Kind != KindRequest:
		case t.internal:
			internal = append(internal, t.Filters...)
		default:
			public = append(public, t.Filters...)
		}
	}
	return public, internal
}

// Permissions are what a NATS user may do: publish to and subscribe to these subjects and no others, and answer each
// request that it received once.
type Permissions struct {
	Publish   []string
	Subscribe []string // "subject queue" limits the subscription to that queue group
}

// InboxPrefix is the prefix of a function's inboxes. Its connection is made with nats.CustomInboxPrefix of this.
func (f Function) InboxPrefix() string { return "_INBOX." + f.Name }

// Permissions are what f's user may do in f's account, derived from its declaration and least by construction. They are
// the second fence: the first is that there is nothing else in the account.
func (f Function) Permissions() Permissions {
	p := Permissions{Subscribe: []string{f.InboxPrefix() + ".>"}}
	for _, verb := range []string{"PING", "INFO", "STATS"} {
		p.Subscribe = append(p.Subscribe, "$SRV."+verb, "$SRV."+verb+"."+f.Name, "$SRV."+verb+"."+f.Name+".*")
	}
	public, internal := f.Endpoints()
	for _, subject := range slices.Concat(public, internal) {
		p.Subscribe = append(p.Subscribe, subject+" "+f.Name)
	}
	for _, s := range f.Data() {
		p.Publish = append(p.Publish, s.Local)
	}
	p.Publish = append(p.Publish, f.Access.Calls...)
	p.Publish = append(p.Publish, f.Access.Publishes...)
	slices.Sort(p.Publish)
	p.Publish = slices.Compact(p.Publish)
	return p
}

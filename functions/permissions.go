package functions

import (
	"slices"

	"natster/events"
)

// Permissions are what a NATS user may do: publish to and subscribe to these subjects and no others, and answer each
// request that it received once.
type Permissions struct {
	Publish   []string
	Subscribe []string // "subject queue" limits the subscription to that queue group
}

// InboxPrefix is the prefix of a function's inboxes, its own so that functions cannot read each other's replies. Its
// connection is made with nats.CustomInboxPrefix of this.
func (f Function) InboxPrefix() string { return "_INBOX." + f.Name }

// Permissions are what f's user may do, derived from its declaration and least by construction: what is not declared is
// refused by the NATS server.
//
// One thing the server does not refuse: JetStream answers to whatever reply subject a request names, without asking
// whether the asker may publish there. So a stolen credential that may read a stream can have messages of it copied, as
// they are, onto any subject of the account. The log takes no copies, because every event in it was appended on a
// condition; a bucket does, until its next rebuild.
func (f Function) Permissions() Permissions {
	p := Permissions{Subscribe: []string{f.InboxPrefix() + ".>"}}
	for _, verb := range []string{"PING", "INFO", "STATS"} {
		p.Subscribe = append(p.Subscribe, "$SRV."+verb, "$SRV."+verb+"."+f.Name, "$SRV."+verb+"."+f.Name+".*")
	}
	for _, t := range f.Triggers {
		if t.Kind == KindRequest {
			for _, subject := range t.Filters {
				p.Subscribe = append(p.Subscribe, subject+" "+f.Name)
			}
			continue
		}
		consumer := t.stream + "." + f.Name
		p.Publish = append(p.Publish,
			"$JS.API.CONSUMER.INFO."+consumer,
			"$JS.API.CONSUMER.MSG.NEXT."+consumer,
			"$JS.ACK."+consumer+".>",
			events.PoisonSubject(f.Name))
		if t.skips {
			p.Publish = append(p.Publish, "$JS.API.CONSUMER.RESET."+consumer)
		}
	}
	if f.Access.ReadsLog || f.Access.AppendsLog {
		p.Publish = append(p.Publish, "$JS.API.DIRECT.GET."+events.LogStream)
	}
	if f.Access.AppendsLog {
		p.Publish = append(p.Publish, events.LogAll)
	}
	for _, b := range f.Access.Reads {
		p.Publish = append(p.Publish, "$JS.API.DIRECT.GET."+b.Stream())
	}
	for _, b := range f.Access.Writes {
		p.Publish = append(p.Publish, "$JS.API.DIRECT.GET."+b.Stream(), b.Subject(">"))
	}
	p.Publish = append(p.Publish, f.Access.Publishes...)
	slices.Sort(p.Publish)
	p.Publish = slices.Compact(p.Publish)
	return p
}

package fences_test

import (
	"fmt"

	"natster/events"
	"natster/functions"
	"natster/functions/view"
)

// mark is a word in the subjects of attacks, and in what they store, that nothing else has.
const mark = "fencebreaker"

// An attack is an answer that is sent where the asker may not publish.
type attack struct {
	name    string
	subject string
	body    string // what the attack needs in the message, if it is not harmful when empty
	server  bool   // NATS servers refuse such a reply by themselves, whoever asks
}

// attacks are all that is tried. fns are the functions of the world, alice one of its accounts and bob another.
func attacks(alice, bob events.Account, fns []functions.Function) []attack {
	capture := fmt.Sprintf(`{"name":%q,"subjects":[%q],"storage":"memory"}`, mark, mark+".>")
	consumer := fmt.Sprintf(`{"stream_name":%q,"config":{"durable_name":%q,"ack_policy":"explicit"}}`,
		events.LogStream, mark)
	all := []attack{
		{name: "makes a stream", subject: "$JS.API.STREAM.CREATE." + mark, body: capture},
		{name: "changes the log's settings", subject: "$JS.API.STREAM.UPDATE." + events.LogStream,
			body: fmt.Sprintf(`{"name":%q,"subjects":[%q],"max_msgs":1}`, events.LogStream, events.LogAll)},
		{name: "takes one event out of the log", subject: "$JS.API.STREAM.MSG.DELETE." + events.LogStream,
			body: `{"seq":1}`},
		{name: "makes a consumer of the log", body: consumer,
			subject: "$JS.API.CONSUMER.DURABLE.CREATE." + events.LogStream + "." + mark},
		{name: "copies the log to itself", subject: "$JS.API.CONSUMER.CREATE." + events.LogStream + "." + mark,
			body: consumer},
		{name: "takes a snapshot of the log", subject: "$JS.API.STREAM.SNAPSHOT." + events.LogStream,
			body: fmt.Sprintf(`{"deliver_subject":%q}`, mark+".copy")},
		{name: "lists the streams", subject: "$JS.API.STREAM.NAMES"},
		{name: "asks about the account", subject: "$JS.API.INFO"},
		{name: "reads from any stream", subject: "$JS.API.STREAM.MSG.GET." + events.LogStream, body: `{"seq":1}`},
		{name: "appends to the log",
			subject: "natster.events." + alice.String() + "." + bob.String() + ".films." + mark},
		{name: "commands that a catalog be shared", subject: "natster.internal.events." + alice.String() +
			".catalog_shared"},
		{name: "commands a login", subject: "natster.internal.events." + alice.String() + ".context_bound"},
		{name: "asks as alice for an event", subject: alice.String() + "." + events.GlobalSubject("events.put")},
		{name: "asks as alice who she is", subject: alice.String() + "." + events.GlobalSubject("whoami")},
		{name: "asks as alice for a code", subject: alice.String() + "." + events.GlobalSubject("otc.generate")},
		{name: "sends bob a heartbeat", subject: events.FeedSubject(bob, events.FeedHeartbeat)},
		{name: "sends bob news of a share", subject: events.FeedSubject(bob, events.FeedShared)},
		{name: "asks at alice's catalog", subject: bob.String() + ".natster.catalog.films.get"},
		{name: "sends media as alice", subject: events.MediaSubject(bob, films(), mark)},
		{name: "discovers who is there", subject: "$SRV.PING." + mark},
		{name: "asks a function what it does", subject: "$SRV.STATS." + mark},
		{name: "asks the server", subject: "$SYS.REQ.SERVER.PING." + mark},
		{name: "changes accounts", subject: "$SYS.REQ.CLAIMS.UPDATE." + mark},
		{name: "answers for a service", subject: "_R_." + mark + ".x", server: true},
		{name: "answers in JetStream's place", subject: "$JSC.R." + mark},
		{name: "poisons", subject: "natster.poison." + mark},
		{name: "answers the world's administrator", subject: "_INBOX.admin." + mark},
	}
	for _, f := range fns {
		all = append(all,
			attack{name: "answers " + f.Name, subject: f.InboxPrefix() + "." + mark},
			attack{name: "acknowledges for " + f.Name, server: true,
				subject: "$JS.ACK." + events.LogStream + "." + f.Name + ".1.1.1.1." + mark},
			attack{name: "pulls for " + f.Name,
				subject: "$JS.API.CONSUMER.MSG.NEXT." + events.LogStream + "." + f.Name + "." + mark},
		)
	}
	for _, b := range buckets(fns) {
		all = append(all,
			attack{name: "writes to " + b.Name, subject: b.Subject(mark + ".attack")},
			attack{name: "empties " + b.Name, subject: "$JS.API.STREAM.PURGE." + b.Stream()},
			attack{name: "deletes " + b.Name, subject: "$JS.API.STREAM.DELETE." + b.Stream()},
		)
	}
	for _, f := range fns { // the worst last: after it there is little left to attack
		all = append(all, attack{name: "deletes the consumer of " + f.Name,
			subject: "$JS.API.CONSUMER.DELETE." + events.LogStream + "." + f.Name})
	}
	return append(all,
		attack{name: "empties the log", subject: "$JS.API.STREAM.PURGE." + events.LogStream},
		attack{name: "deletes the log", subject: "$JS.API.STREAM.DELETE." + events.LogStream},
	)
}

// buckets are all that the functions read or write.
func buckets(fns []functions.Function) []view.Bucket {
	seen := make(map[string]bool)
	var all []view.Bucket
	for _, f := range fns {
		for _, some := range [][]view.Bucket{f.Access.Reads, f.Access.Writes} {
			for _, b := range some {
				if !seen[b.Name] {
					seen[b.Name] = true
					all = append(all, b)
				}
			}
		}
	}
	return all
}

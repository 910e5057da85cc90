// Package wire is how Nex speaks: every subject, every message, and how an error is told. It does no I/O, and is shared by
// the two who speak it, the nexlet (workloads/nexlet) and the control client (deploy/nex).
//
//	subjects.go  every subject, each with its literal form
//	control.go   what clients and nodes say to each other
//	agent.go     what nodes and agents say to each other
//	feeds.go     events on the feed
//	decode.go    Decode: JSON with required keys, as Nex decodes
//	errors.go    Error: an answer that is a refusal; where it stands in a message
//
// The names of types are those of the protocol. Keys without "omitempty" are required: they are always sent, and a message
// without one is refused.
package wire

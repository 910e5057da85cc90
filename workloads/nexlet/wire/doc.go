// Package wire is the protocol of Nex: its subjects, its messages and its errors. It does no I/O. The nexlet
// (workloads/nexlet) and the control client (deploy/nex) share it.
//
//	subjects.go  every subject, each with its literal form
//	control.go   messages between clients and nodes
//	agent.go     messages between nodes and agents
//	feeds.go     events on the feed
//	decode.go    Decode: JSON with required keys, as Nex decodes
//	errors.go    Error: a reply that is a refusal, and where a message has it
//
// The names of types are those of the protocol. Keys without "omitempty" are required: they are always sent, and a
// message that lacks one is refused.
package wire

// Package nex puts Natster's functions and catalogs on Nex nodes and looks after them there. It speaks Nex's control
// protocol over NATS; the wire types are in workloads/nexlet/wire.
//
//	client.go    Config, Client, New: whom it speaks to, how long it waits
//	gather.go    one request, the replies of many nodes, bounded
//	nodes.go     nodes and their agents; lameduck
//	deploy.go    auction, schema check, deploy: one workload onto one node
//	workloads.go list, stop, clone
//	feeds.go     logs and events as they happen
//	errors.go    what a caller can tell apart
//	want.go      Want: what ought to run; of functions and of Nexfiles
//	rollout.go   Up, Restart, Down: making what runs what ought to run
//	place.go     which node is next
//	status.go    Status: the one compared with the other
//
// Below it, nextest is a stand-in node for tests, and ../nexfiles are the Nexfiles for the stock CLI.
//
// # Promises
//
// Every wait is bounded; silence, which is an answer in Nex, becomes an error that says who was silent and what to type. One
// node's error does not hide another's answer. A deploy that fails leaves nothing behind: what a node stored although its
// agent refused is stopped again, and of two nodes that may both have started it one is stopped.
package nex

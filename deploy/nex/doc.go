// Package nex deploys Natster's functions and catalogs to Nex nodes. It speaks Nex's control protocol over NATS; the
// wire types are in workloads/nexlet/wire.
//
//	client.go    Config, Client, New: its connection and its timeouts
//	gather.go    one request, the replies of many nodes, within a timeout
//	nodes.go     nodes and their agents; lameduck
//	deploy.go    auction, schema check, deploy: one workload to one node
//	workloads.go listing and stopping workloads
//	feeds.go     logs, remembered and as they are written
//	errors.go    the errors that a caller can distinguish
//	want.go      Want: a workload that should run; from functions and from Nexfiles
//	rollout.go   Up: bringing what runs in line with what should run; which node gets the next instance
//	replace.go   Restart, Down
//	status.go    Status: what runs compared with what should run; the nodes and the workloads as they were found
//
// The Nexfiles for the stock CLI are in ../nexfiles; internal/test/nextest is a stand-in node for tests.
//
// # Promises
//
// Every wait has a timeout. A Nex node that cannot serve a request is silent; the client turns silence into an error
// that says which node was silent and what to type next. One node's error does not hide another's answer. A deploy that
// fails leaves nothing behind: what a node stored although its agent refused is stopped again, and of two nodes that
// may both have started it one is stopped.
package nex

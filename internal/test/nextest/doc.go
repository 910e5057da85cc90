// Package nextest is a stand-in for a Nex node, for tests: CI cannot have a real one. It is written from how Nex was seen to
// speak, and its own tests hold it to captured traffic (testdata/exchanges.jsonl) and to the schemas that Nex publishes
// (testdata/schemas.json). It is no kinder than the real thing: it bids for whoever is healthy by its own late account, stays
// silent where Nex does, refuses in Nex's words, waits as long, stores what was refused, and starts its agents again under an
// id that it will not register twice.
//
//	node.go      Config, Start, Stop, Kill: a node, and what it publishes
//	control.go   what clients ask
//	deploy.go    auctions, deploys, stops, clones, lists: what goes on to the agents
//	agents.go    registration, heartbeats, health
//	local.go     agents as children of the node: in process, or processes
//	scatter.go   one request, many replies
//	mint.go      the credentials that a node hands out
//	server.go    NATS servers for nodes to live on
//
// What it leaves out: the native agent, the node's own log feed, the embedded server, secrets.
package nextest

// Package nextest is a stand-in for a Nex node, for tests: CI cannot run a real one. It is written from observed
// traffic, and its own tests compare it with captured exchanges (testdata/exchanges.jsonl) and with the schemas that
// Nex publishes (testdata/schemas.json). It has the flaws of a real node: it notices late that an agent has died and
// bids for it meanwhile, does not answer where Nex does not, refuses in Nex's words, waits as long, stores what was
// refused, and restarts its agents under an id that it does not register twice.
//
//	node.go      Config, Start, Stop, Kill: a node, and what it publishes
//	control.go   requests of clients
//	deploy.go    auctions, deploys, stops, clones, lists: requests that are passed on to the agents
//	agents.go    registration, heartbeats, health
//	local.go     agents as children of the node: in process, or processes
//	scatter.go   one request, many replies
//	mint.go      the credentials that a node hands out
//	server.go    NATS servers for the nodes
//
// What it leaves out: the native agent, the node's own log feed, the embedded server, secrets.
package nextest

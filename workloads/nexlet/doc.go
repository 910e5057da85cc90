// Package nexlet hosts Natster's functions and catalogs on a Nex node: it registers the workload type "natster", and what
// Nex starts there runs on the same runtime as in `natster devrun`. `natster nexlet` is a thin command over it.
//
//	nexlet.go       Config, New, Run: the lifetime
//	environment.go  what a node tells its child process
//	register.go     local and remote registration, and adoption of the id that a crash left behind
//	state.go        what survives a crash: who we are to the node, and the workloads; a file of mode 0600
//	session.go      one registration's life: endpoints, heartbeats, until the node or the caller ends it
//	endpoints.go    what a node asks: start, stop, get, query, ping, lameduck
//	refuse.go       starts that cannot be, and that a node would keep
//	workload.go     a workload: run, run again, drained; its line in a list
//	function.go     a function as a workload
//	catalog.go      a catalog as a workload
//	keys.go         credentials, in a directory of the operator's
//	feed.go         logs and events, on Nex's feeds
//	meter.go        runs counted, and told as WORKLOADTRIGGERED, sampled
//	connect.go      NATS connections from what Nex hands out
//
// Below it, wire is Nex's protocol and spec the start request.
//
// # Promises
//
// A start is answered at once and finished in the background; what cannot run is refused in a sentence, and nothing of it
// stays. A stop is answered at once and drained after: requests in hand are answered, the event in hand is finished. A
// workload that fails runs again, with a growing pause, and says so in the list. When the process is killed and started
// again by its node, it takes up its old id and its workloads, with their ids. When its node is gone, so is the nexlet.
//
// # Secrets
//
// Functions and catalogs run under credentials that the nexlet's operator gave it as files, or that were sealed to its
// curve key in the start request for the workload of that name. Credentials that Nex mints are used for speaking with Nex and
// for nothing else. No secret is in a log, a list or a process argument.
package nexlet

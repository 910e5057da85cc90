// Package nexlet runs Natster's functions and catalogs for a Nex node: it registers the workload type "natster", and
// what Nex starts runs on the same runtime as in `natster devrun`. The command `natster nexlet` is a thin layer over
// it.
//
//	nexlet.go       Config, New, Run: the lifetime
//	register.go     the place that a node gives to its child process; local and remote registration, and adoption of
//	                the id from before a crash; the file by which the registration and the workloads survive one
//	session.go      the time of one registration: endpoints and heartbeats, until the node or the caller ends it
//	endpoints.go    the node's requests: stop, get, query, ping, lameduck
//	start.go        its request to start a workload: taken, launched, run, and run again; or refused, which a node
//	                would keep nevertheless
//	workload.go     a workload: its line in a list; stopped and drained
//	function.go     a function as a workload
//	catalog.go      a catalog as a workload
//	keys.go         credentials, sealed or in a directory that the operator fills
//	feed.go         logs and events, on Nex's feeds
//	meter.go        counts runs, and samples them as WORKLOADTRIGGERED events
//	connect.go      NATS connections from what Nex hands out
//
// The packages below it: wire is Nex's protocol, spec the start request.
//
// # Promises
//
// A start is answered at once and finished in the background; what cannot run is refused with a sentence, and leaves
// nothing behind. A stop is answered at once and drained after: requests in progress are answered, the event in
// progress is finished. A workload that fails runs again, with a growing pause, and its line in the list says so. When
// the process is killed and its node restarts it, it resumes its old id and its workloads, with their ids. When its
// node is gone, the nexlet ends.
//
// # Secrets
//
// Functions and catalogs run under credentials that the nexlet's operator gave it as files, or that were sealed to its
// curve key in the start request for the workload of that name. Credentials that Nex mints are used only to talk to
// Nex. No secret is in a log, a list or a process argument.
package nexlet

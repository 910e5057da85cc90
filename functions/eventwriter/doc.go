// Package eventwriter is the function that alone writes the event log: it decides commands against the log itself and
// appends what follows, conditionally, acknowledged.
//
//	command.go      Command and its parser: the shape of a request, refused as a bad request
//	decide.go       Facts and Decide: the rules, without clock, store or subject
//	totals.go       how much an account may share at a time
//	eventwriter.go  the loop around them: read the facts, decide, append; again when another writer was faster;
//	                and how far the log is as to an account
//
// The cost of a command is one read of a few subjects and one append, however long the log is. The condition of an
// append is the narrowest that the decision needs: one edge between two accounts. A popular catalog is therefore no
// point of contention. Names of catalogs are unique per owner, so that no account waits for another; one is kept for
// the hub.
//
// The log holds no event that changes nothing: sharing what is shared succeeds without an event. Projections may count.
package eventwriter

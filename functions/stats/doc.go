// Package stats is the function that keeps running totals and answers with them. Nothing is ever counted by scanning:
// the cost of an event, of a heartbeat and of an answer is the same however much there is.
//
//	stats.go      the declaration, and the answer, with the limits of every account. What a caller has used of them
//	              no function counts, since that would cost every event; my.shares tells the caller
//	totals.go     accounts and shares: a projection of the log
//	running.go    catalogs being served: counted by changes of presence
//	reconcile.go  the same, of changes that the function did not hear of
//
// How many catalogs are running is in no event, so that total is not a projection: it cannot be rebuilt from the log.
// It is put together with the mark of the catalog that it counts, in one value, and a change counts once however often
// it comes. (An atomic batch of two keys would do the same, at forty times the cost: the server makes a file for each.)
package stats

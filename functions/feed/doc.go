// Package feed is the function that tells accounts what concerns them: a catalog shared with them is online or went
// offline, a share was given or taken.
//
//	feed.go    the declaration; what a change or an event is worth telling, and to whom
//	fanout.go  telling all receivers of a catalog, owner after owner in turn
//
// It is woken by changes of the presence bucket and by events of the log, not by changes of the shares bucket: a
// rebuild of that announces nothing. Whoever listens hears everything at least once, and hears nothing of what happened
// while it did not listen: the feed says that a query is worth making, it does not replace one.
//
// The account that sends a heartbeat pays for one put. Telling everybody that its catalog is shared with, a hundred
// thousand for a popular one, is this function's own work: page by page, never all in memory, at a pace, and beside
// what others have to say. A heartbeat that is overtaken by a newer one is dropped. What is still to be told when the
// function is stopped is told then; what is when it dies is not.
package feed

// Package queries is the function that answers what accounts ask about themselves, from the projections and nothing
// else.
//
//	queries.go  Config and the declaration; whoami
//	shares.go   my.shares: in one reply, or page by page
//	cursor.go   where a page ends; no NATS
//	names.go    my.names: what those who chose to be known call themselves; catalogs.validatename
//	context.go  context.get, for the website: opens what the function otc sealed
//
// A query costs one read of the log's projections, my.shares and my.names one more. A caller who wants to see its own
// write waits until the projection has it; how many may wait, and for how long, is bounded, so that a position that
// never comes costs others nothing.
package queries

// Package presence is the function that keeps heartbeats, which only the owner of a catalog can send. An account owns
// the catalogs that it has ever shared: a name that it never shared is not online, however often it says so, because no
// other account could look, and totals of what runs would count it. A catalog is online for as long as its document in
// the presence bucket lives, which is until its server says goodbye or heartbeats have been missing for the bucket's
// TTL. What follows from that is for the functions feed, stats and queries.
//
//	presence.go  the declaration; what a heartbeat must be to count, and how many may
package presence

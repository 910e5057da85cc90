// Package server serves catalogs: it answers for their contents, sends their files over both protocols, and announces
// that they are online. One [Server] serves several catalogs of one account over one connection.
//
//	server.go     Serve, Config, Limits: the parts and their lifetime
//	catalogs.go   what is served now: Add and Drop while the server runs
//	source.go     Library and Shares: what a server needs of others
//	service.go    the catalogs as micro services: their subjects
//	admit.go      what an account may ask for, how often, and whose turn it is
//	requests.go   every request is answered, whatever it is
//	contents.go   get, in one reply or in pages
//	pages.go      what was encoded of a listing, kept for who asks next
//	shares.go     shareTable: who may read what; when it cannot be confirmed, only the own account may
//	unshare.go    what the account itself says of a share that it takes back, which no stranger can delay
//	sessions.go   the open sessions of protocol 2 and why they end
//	download.go   download, fetch and close
//	pump.go       the workers that read, seal and publish chunks
//	credit.go     how much an account is sent that it has not proved to have got
//	upload.go     what the owner lets others have in all
//	ring.go       whose turn it is: fair among accounts, then among the sessions of one
//	push.go       protocol 1
//	presence.go   heartbeats, offline, inbox
//
// What it promises. An importer is served only while a share that is younger than Limits.SharesMaxAge allows it; when a
// share is taken back, transfers of both protocols stop before their next message. Memory does not depend on how slow
// or how many the receivers are: a session queues numbers of chunks, never chunks, and the workers' buffers are all
// there is. A file that is not what its hash says any more ends its sessions with 410. A panic ends only the request,
// the session, the push or the loop that it is in.
//
// What it leaves to others. Lost messages are for the receiver to notice. Who an account is, NATS says: the first token
// of a subject, put there by the server, is the caller; a payload never is.
package server

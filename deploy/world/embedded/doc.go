// Package embedded is all of Natster on one machine: a NATS server in operator mode, in this process, with its
// accounts, its JetStream on disk and the functions, behind one Start and one Stop.
//
//	world.go       Config, Start, World, Stop; connections in the process; notices to the operator; what tests change
//	server.go      the embedded NATS server and its options
//	store.go       JetStream's files, checked and repaired before the server opens them; their key
//	sealed.go      how JetStream encrypts it
//	disk.go        free space: refusing what cannot be stored, until it can
//	logsize.go     the size of the event log: the operator is told when it is large
//	backlog.go     what waits for clients that do not read: bounded for each account
//	space_*.go     how much is free, by operating system
//	address.go     where it listens, and the port it had last time
//	tls.go         certificates, self-signed ones, fingerprints
//	functions.go   provisioning and running the functions
//	soundness.go   checking the log: quickly before the functions start, completely after
//	hub.go         serving the hub's catalog
//	log.go         the server's log, into slog
//
// # On disk
//
// In the world's directory, beside what package world keeps there:
//
//	resolver/       the account JWTs as the server has them; made again from keys/ at each start
//	jetstream/      the event log, the one-time codes, the projections; encrypted
//	jetstream.key   the key to jetstream/; lose it and the log is lost
//	aside/          files that could not be read and were made again; may be removed
//	hub/            the hub's catalog
//	tls/            a self-signed pair, if one was asked for
//
// # Promises
//
// What a stream acknowledged is on disk: the server syncs each write before it answers, except for KV buckets with
// asynchronous persistence, which can be rebuilt. What provisioning made is on disk before it is used. After a power
// cut at any time the world starts: a bucket that cannot be read is set aside and made again, and nothing that cannot
// be made again is touched. On a full disk it stores nothing new, says so, and continues by itself when there is free
// space.
//
// Stop and Start keep accounts, credentials, streams and addresses: port 0 means the last port while that is free.
// Without TLS the server listens on loopback only.
package embedded

// Package embedded is Natster whole on one machine: a NATS server in operator mode, in this process, with its accounts,
// its JetStream on disk and the functions, behind one Start and one Stop.
//
//	world.go       Config, Start, World, Stop
//	server.go      the embedded NATS server and its options
//	store.go       what JetStream keeps, checked and repaired before the server opens it; its key
//	sealed.go      how JetStream encrypts it
//	disk.go        free space: refusing what cannot be kept, going on when it can
//	space_*.go     how much is free, by operating system
//	hooks.go       what tests change of a world
//	notice.go      notices to the operator
//	address.go     where it listens, and the port it had last time
//	tls.go         certificates, self-signed ones, fingerprints
//	connect.go     connections: in process for the functions and the deployment, over the network for everybody else
//	functions.go   provisioning and running the functions
//	soundness.go   checking the log: quickly before the functions start, and whole after
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
//	aside/          what could not be read and was made anew; may be removed
//	hub/            the hub's catalog
//	tls/            a self-signed pair, if one was asked for
//
// # Promises
//
// What a stream acknowledged is on disk: the server syncs each write before it answers (a KV bucket that was created
// with asynchronous persistence is exempt, which is for what can be rebuilt). What provisioning made is on disk before
// it is used. After a power cut at any time the world starts: a bucket that cannot be read is set aside and made anew,
// and nothing that cannot be made again is touched. On a full disk it keeps nothing new, says so, and goes on by itself
// when there is room.
//
// Stop and Start bring back accounts, credentials,
// streams, and the addresses: an address given with port 0 is the last one's port while that is free. Without TLS the
// server listens on loopback only.
package embedded

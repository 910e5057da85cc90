// Package world is Natster whole on one machine: a NATS server in operator mode, embedded, with its accounts, its JetStream
// on disk and the functions, behind one Start and one Stop.
//
//	world.go       Config, Start, World, Stop
//	server.go      the embedded NATS server and what it is told
//	store.go       what JetStream keeps, looked at and mended before the server opens it; its key
//	sealed.go      how JetStream encrypts it
//	disk.go        room on the disk: refusing what cannot be kept, going on when it can
//	space_*.go     how much is free
//	notice.go      what the operator is told
//	address.go     where it listens, and the port it had last time
//	tls.go         certificates, self-signed ones, fingerprints
//	info.go        world.json: how other processes find a running world; Find, OpenKeeper
//	connect.go     connections: in process for the functions and the deployment, over the network for everybody else
//	all.go         the one list of all functions and of all projections
//	outgrown.go    a world on NATS servers that are not embedded: Keys, Provision, Greet
//	service.go     what a nexlet needs to run functions of a world: Export writes it, OpenService reads it
//	functions.go   provisioning and running them
//	soundness.go   a look at the log before they go on with it, and a reading of all of it after
//	vault.go       the keys that claimed contexts and accounts' web keys are sealed to, and whether they are the same as ever
//	web.go         the website's user, and how the function authority changes accounts
//	hub.go         serving the hub's catalog
//	log.go         the server's log, into slog
//
// # On disk
//
// A world is a directory, and everything in it is private (files 0600, directories 0700):
//
//	lock            held while the world runs: one directory, one world
//	world.json      addresses, process, well-known accounts; no secrets; made again at each start
//	keys/           the operator and all accounts (package accounts); lose it and every account is lost
//	resolver/       the account JWTs as the server has them; made again from keys/ at each start
//	jetstream/      the event log, the one-time codes, the projections; encrypted
//	jetstream.key   the key to jetstream/; lose it and the log is lost
//	vault.seed      the key to the contexts that logins claimed
//	web.seed        the key to the accounts' web keys; lose it and web logins have to be linked again
//	vault.pub, …    the public halves: by them a seed that is another's is known
//	aside/          what could not be read and was made anew; may be removed
//	tls/            a self-signed pair, if one was asked for
//
// # Promises
//
// What a stream acknowledged is on disk: the server syncs each write before it answers (a KV bucket that was created with
// asynchronous persistence is exempt, which is for what can be rebuilt). What provisioning made is on disk before it is used.
// After a power cut at any time the world starts: a bucket that cannot be read is set aside and made anew, and nothing that
// cannot be made again is touched. On a full disk it keeps nothing new, says so, and goes on by itself when there is room.
//
// Stop and Start bring back accounts, credentials,
// streams, and the addresses: an address given with port 0 is the last one's port while that is free. Without TLS the
// server listens on loopback only.
package world

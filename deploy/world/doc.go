// Package world is Natster whole on one machine: a NATS server in operator mode, embedded, with its accounts, its JetStream
// on disk and the functions, behind one Start and one Stop.
//
//	world.go       Config, Start, World, Stop
//	server.go      the embedded NATS server and what it is told
//	address.go     where it listens, and the port it had last time
//	tls.go         certificates, self-signed ones, fingerprints
//	info.go        world.json: how other processes find a running world; Find, OpenKeeper
//	connect.go     connections: in process for the functions and the deployment, over the network for everybody else
//	all.go         the one list of all functions and of all projections
//	outgrown.go    a world on NATS servers that are not embedded: Keys, Provision, Greet
//	service.go     what a nexlet needs to run functions of a world: Export writes it, OpenService reads it
//	functions.go   provisioning and running them
//	vault.go       the keys that claimed contexts and accounts' web keys are sealed to
//	web.go         the website's user, and how the function authority changes accounts
//	hub.go         serving the hub's catalog
//	log.go         the server's log, into slog
//
// # On disk
//
// A world is a directory, and everything in it is private (files 0600, directories 0700):
//
//	lock            held while the world runs: one directory, one world
//	world.json      addresses, process, well-known accounts; no secrets
//	keys/           the operator and all accounts (package accounts); lose it and every account is lost
//	resolver/       the account JWTs as the server has them; made again from keys/ at each start
//	jetstream/      the event log, the one-time codes, the projections; encrypted
//	jetstream.key   the key to jetstream/; lose it and the log is lost
//	vault.seed      the key to the contexts that logins claimed
//	web.seed        the key to the accounts' web keys; lose it and web logins have to be linked again
//	tls/            a self-signed pair, if one was asked for
//
// # Promises
//
// What a stream acknowledged is on disk: the server syncs each write before it answers (a KV bucket that was created with
// asynchronous persistence is exempt, which is for what can be rebuilt). Stop and Start bring back accounts, credentials,
// streams, and the addresses: an address given with port 0 is the last one's port while that is free. Without TLS the
// server listens on loopback only.
package world

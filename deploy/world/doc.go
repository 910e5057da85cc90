// Package world is the directory of a Natster world: what it says of the world, and what other processes do with it
// while somebody runs the world: package embedded, in a process of natster, or NATS servers of its own.
//
//	info.go       world.json: how other processes find a running world; Find, OpenKeeper
//	connect.go    connecting to a world over the network
//	pinned.go     the server's certificate, known by its fingerprint
//	lock.go       one directory, one process that runs or provisions the world
//	functions.go  the one list of all functions, with the users that they run under
//	rebuild.go    the one list of all projections, and making them anew
//	vault.go      the keys that claimed contexts and accounts' web keys are sealed to, and that they are unchanged
//	web.go        the website's user, and how the function authority changes accounts
//	provision.go  a world on NATS servers that are not embedded: Keys, Provision
//	service.go    what a nexlet needs to run functions of a world: Export writes it, OpenService reads it
//
// # On disk
//
// A world is a directory, and everything in it is private (files 0600, directories 0700):
//
//	lock            held while the world runs: one directory, one world
//	world.json      addresses, process, well-known accounts; no secrets; made again at each start
//	keys/           the operator and all accounts (package accounts); lose it and every account is lost
//	vault.seed      the key to the contexts that logins claimed
//	web.seed        the key to the accounts' web keys; lose it and web logins have to be linked again
//	vault.pub, …    the public halves: by them a seed that is another's is known
//
// The embedded server keeps more beside these; see package embedded.
package world

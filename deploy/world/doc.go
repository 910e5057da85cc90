// Package world is the directory of a Natster world: what it contains, and what processes do with it while the world
// runs, in a process of natster (package embedded) or on NATS servers of its own.
//
//	info.go       world.json: how other processes find a running world; Find, OpenKeeper
//	connect.go    connecting to a world over the network; only to the server with the certificate of a fingerprint
//	lock.go       one directory, one process that runs or provisions the world
//	functions.go  the one list of all functions, with the users that they run under
//	limits.go     limits.json: what one account may take, where it is not the default
//	rebuild.go    the one list of all projections, and making them anew
//	proxy.go      the key by which the NATS server knows the website
//	vault.go      the keys that claimed contexts and accounts' web keys are sealed to; checked that they are unchanged
//	web.go        the website's user, and how the function authority changes accounts
//	provision.go  a world on NATS servers that are not embedded: Keys, Provision
//	service.go    what a nexlet needs to run functions of a world: Export writes it, Service reads it
//
// # On disk
//
// A world is a directory, and everything in it is private (files 0600, directories 0700):
//
//	lock            held while the world runs, so that it runs once
//	world.json      addresses, process, well-known accounts; no secrets; written at each start
//	keys/           the operator and all accounts (package accounts); lose it and every account is lost
//	vault.seed      the key to the contexts that logins claimed
//	web.seed        the key to the accounts' web keys; lose it and web logins have to be linked again
//	cluster/        the keys of NATS servers of its own, if it has any (package cluster)
//	web-proxy.seed  the key by which the NATS server trusts the website; made anew if it is lost
//	limits.json     the limits that are not the defaults, if there are any
//	vault.pub, …    the public halves, by which a seed of another world is recognised
//
// The embedded server keeps more beside these; see package embedded.
package world

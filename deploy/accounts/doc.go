// Package accounts changes NATS accounts for Natster: it creates them, lets one import another's catalog, and makes
// users. A NATS account is a Natster user, an import is a friendship: so this is where friendship is written down.
//
//	accounts.go   a world's accounts; enrolments, imports, permissions, credentials; the errors
//	contract.go   the exports, imports and limits of each kind of account, as the wire contract has them
//	functions.go  an account for each function, and what binds these, data and global to each other
//	operator.go   Operator: bootstrap, enrol; editing an account
//	imports.go    Operator: import, unimport, list
//	webkeys.go    scoped keys for the website: added, revoked
//	users.go      user keys, their JWTs, what they may do
//	keystore.go   the directory behind an Operator: one file an account, 0600, replaced atomically
//	push.go       sending a changed account to a running server
//
// [Operator] keeps its keys in a directory and serves the embedded world and self-hosted worlds.
//
// # What an Operator promises
//
// The directory is the truth. An edit takes the directory's lock (across processes), writes the account's file to disk,
// then pushes the account's JWT to the running server, which applies it before it answers. So two processes never lose
// each other's edits; an edit that returned nil is in force and survives a power cut; an edit that failed half way is
// put right by repeating it, or by the next start of the world. A world that is not running is noticed before anything
// is changed.
//
// Seeds and credentials are in files of mode 0600 in directories of mode 0700 and nowhere else: no log line, error or
// process argument has one.
package accounts

// Package api is the contract between Natster's functions and their callers: every endpoint with its wire types, the
// envelope of every reply, the codes of every failure, and a typed client over them. Both sides use the same
// declarations.
//
//	envelope.go   Envelope, codes, Error and the one table from error to code; Reply: how a request is answered
//	endpoint.go   Endpoint: name, request and reply type, their encoding
//	events.go     events.put and the functions' internal way to the log
//	shares.go     my.shares, my.names, catalogs.validatename
//	account.go    whoami, stats
//	login.go      otc.generate, otc.claim, context.get
//	web.go        web.xkey, web.mint, web.put
//	imports.go    accounts.import, accounts.unimport, accounts.imports
//	presence.go   heartbeats.put, and what the feed sends to accounts
//	client.go     Client: an account's view of the functions
//
// The wire is fixed by existing clients: JSON names, codes and subjects never change; fields may be added.
package api

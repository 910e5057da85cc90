// Package limiter bounds how much is in flight and how often, so that no account can take what all share.
//
//	limiter.go    Limiter: how much is in flight, in total and per account
//	allowance.go  Allowance: how often, per account
//	queue.go      Queue: what is handled next, accounts in turn, and so many at a time
//	refusals.go   Refusals: to refuse is work, too
package limiter

// Package limiter bounds how much is in flight, so that no account can take what all share.
//
//	limiter.go  Limiter: a bound in total and per account
package limiter

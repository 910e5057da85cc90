// Package hub is the function that introduces new accounts to the hub: an account that initializes is given a share of
// the hub's catalog.
//
//	hub.go  the declaration; what is asked of eventwriter when an account is new
//
// The share is a command like any other, decided by eventwriter's rules: the hub has to be initialized and has to own
// the catalog's name. Being given the same share twice changes nothing, so an event that comes again does no harm.
package hub

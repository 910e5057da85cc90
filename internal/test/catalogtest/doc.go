// Package catalogtest is a real world with a catalog in it, for tests of the catalog's server and client: alice serves
// films, bob has imported it, and what they hold and share is the test's to change.
//
//	catalogtest.go  Start: the world and who is in it
//	library.go      Library: files in memory
//	shares.go       Shares: a source of shares that the test controls
package catalogtest

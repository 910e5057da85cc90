// Package catalog is the protocol between a catalog's server and the accounts it is shared with: what a catalog
// contains, and which paths another account's catalog may list. Package library has the directory behind a catalog.
//
//	contents.go  Entry and Contents; GetReply.Contents reads a listing from a server that is not trusted
//	gzip.go      a page of a listing, compressed
//	listing.go   Listing: the same, page by page, in bounded memory
//	errors.go    why a file cannot be read: the errors that library, server and client share
//	file.go      File: an open file, as a library gives it to a server
//	path.go      CheckPath: the paths that a catalog may list; testdata/paths.json has the cases, also for the page
//	system.go    CheckOn: the paths that a receiver's system can have
//	shown.go     Shown: how a path is shown to a person
//	wire.go      requests and replies of every verb; docs/protocol.md has the bytes of protocol 2
//	find.go      Contents.Find and At: an entry by its path, its name, or the beginning of its hash
//	select.go    Contents.Select: the files and directories that words and patterns name
package catalog

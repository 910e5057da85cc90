// Package catalog is the protocol between a catalog's server and those it is shared with: what a catalog contains, and
// which paths of a foreign catalog may be believed. The directory behind a catalog is package library's.
//
//	contents.go  Entry and Contents, the reply to `get`, and ParseContents for a reply from a server nobody vouches for
//	errors.go    why a file cannot be had: the errors that library, server and client share
//	file.go      File: an open file, as a library gives it to a server
//	path.go      CheckPath: the paths that a catalog may list; testdata/paths.json has the cases, for the page too
//	system.go    CheckOn: those that only some systems can hold, asked by whoever receives
//	shown.go     Shown: how a person is shown a path
//	wire.go      requests and replies of every verb; docs/protocol.md has protocol 2 byte by byte, package seal its cryptography
//	find.go      Contents.Find and At: an entry by its path, as typed, by its name, or by the beginning of its hash
//	select.go    Contents.Select: the files and directories that words and patterns name
package catalog

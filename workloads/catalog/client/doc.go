// Package client reads catalogs: it lists them, downloads files, and reads any part of a file without downloading it,
// over protocol 2. From servers that only speak protocol 1 it downloads.
//
//	client.go    Config, Client, the errors and the codes of the wire that they stand for
//	unshare.go   TellUnshare, to the own servers
//	list.go      List
//	file.go      Open and File: io.ReaderAt over a remote file, with a small cache
//	reader.go    Reader: io.ReadSeeker that reads ahead
//	gateway.go   Gateway: the same over HTTP, for players, browsers and file managers on this machine
//	tree.go      the folders of a listing, and the gateway's recent listings
//	index.go     a folder's page (index.html) and playlist
//	webdav.go    folders as directories to mount
//	download.go  Download: files and directories, in parallel, with progress
//	place.go     where a file goes, and whether the disk takes it for another of the catalog
//	leftovers.go what earlier downloads left unfinished, and directories that remained empty
//	meter.go     Progress and Result: how far a download is
//	fill.go      one file: chunks in order to the disk, hashed at the same time
//	partial.go   an unfinished file: always a beginning, so that its length says what is there
//	lock_*.go     one download at a time writes a partial
//	writeback_*.go what is written goes to the disk early
//	diskerror*.go what the disk's errors mean
//	fetch.go     Stream: a file to a writer; whole files in a temporary directory, for the gateway
//	session.go   asking for a file, opening a session of protocol 2, and what is checked first
//	transfer.go  chunks wanted, in flight, lost, asked for again
//	watch.go     what is late, gone, or hopeless
//	window.go    how many chunks are in flight, and how long they may take
//	push.go      receiving what a server of protocol 1 pushes
//
// Nothing is written outside a download's directory, whatever a listing says. A file gets its name only when all of it
// has the listed hash. What is lost, late, doubled or changed on the way is asked for again; a server that was
// restarted is asked for another session, with new keys, and only for what is missing. Memory is bounded, whatever a
// server sends: by Config.Window for all files of a download together, by less for an open file, and by 128 MiB if the
// server speaks protocol 1, and pushes.
//
// A download that stops for any reason (an interrupt, a crash, a full disk) leaves partial files that the next one
// continues. They are written strictly in order, so a partial needs no journal: what is there is hashed when it is
// continued. If it is not a beginning of the file after all, the hash of the whole does not match, and the file is
// fetched anew, once.
package client

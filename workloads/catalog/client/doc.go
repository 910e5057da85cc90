// Package client reads catalogs: it lists them, downloads files, and reads any part of a file without downloading it, over
// protocol 2, and downloads over protocol 1 from servers that know nothing better.
//
//	client.go    Config, Client, the errors and how codes of the wire become them
//	list.go      List
//	file.go      Open and File: io.ReaderAt over a remote file, with a small cache
//	reader.go    Reader: io.ReadSeeker that looks ahead
//	gateway.go   Gateway: the same over HTTP, for players, browsers and file managers on this machine
//	tree.go      folders of a listing; listings that the gateway keeps for a moment
//	index.go     a folder's page (index.html) and playlist
//	webdav.go    folders as directories to mount
//	download.go  Download: files and directories, in parallel, with progress
//	place.go     where a file goes, and whether this disk takes it for another of the catalog
//	leftovers.go what earlier downloads left unfinished, and directories that nothing came into
//	meter.go     Progress and Result: how far it is
//	fill.go      one file: chunks in order to the disk, hashed beside it
//	partial.go   the file on its way: always a beginning, so that its length is all there is to know
//	lock_*.go     one download at a time writes a partial
//	writeback_*.go what is written goes to the disk early
//	diskerror*.go what disks say, in plain words
//	fetch.go     Stream: a file to a writer; Fetch: Open, for servers that only send whole files
//	session.go   opening a session of protocol 2, and what is checked before it is believed
//	transfer.go  chunks wanted, in flight, lost, asked for again
//	watch.go     what is late, gone, or hopeless
//	window.go    how many are in flight, and how long they may take
//	push.go      protocol 1
//
// What it promises. Nothing is written outside a download's directory, whatever a listing says. A file has its name only when
// all of it has the listed hash. What is lost, late, doubled or meddled with on the way is asked for again; a server that
// was restarted is asked for another session, with new keys, and only for what is missing. Memory is bounded by Config.Window
// for each file, whatever a server sends; by 128 MiB where it speaks protocol 1, and pushes.
//
// A download that stops for any reason (an interrupt, a crash, a full disk) leaves partial files that the next one continues.
// They are written strictly in order, so a partial needs no journal beside it: what is there is hashed when it is continued,
// and should that not be a beginning of the file after all, the hash of the whole finds out and the file is fetched anew, once.
package client

// Package library is the local directory of one catalog: what is in it, and which file has which content.
//
//	library.go   Config, Library, Open; contents, revision, changes; the catalog file in step with them
//	scan.go      Scan, and update: one look at some or all of the directory
//	survey.go    what a look finds before it reads: files, disks, and what is away
//	away.go      what is listed and not there: a disk that is not mounted, a directory that cannot be read
//	disk.go, disk_*.go which disk a directory is on
//	walk.go      what is there: a parallel walk inside an os.Root, and what it leaves out
//	hash.go      SHA-256 and type of the files that are new, by all processors
//	merge.go     what was known and what was found become the next snapshot; pure
//	snapshot.go  an immutable state of the library, and its indexes
//	follow.go    Follow: from events to looks, when things have become quiet
//	tree.go      watches of all directories, and what happens when the system allows no more
//	diskcheck.go how Follow notices that a disk was unmounted or mounted
//	open.go      OpenFile, which refuses what has changed and keeps nothing open that is not read
//	file.go      the catalog file
//	stamp.go, stamp_*.go, ctime_*.go how a file is known again without reading it
//	mime.go      types by content and name
//	private.go   directories that are never listed
//	skip.go      reasons to leave something out
//	leftout.go   how much is left out, by reason
//	progress.go  progress of a scan
//
// # What is listed
//
// Every regular file below the directory, except hidden ones, editors' and downloaders' temporary files, and names that
// cannot be in a catalog ([catalog.CheckPath]). A symbolic link to a file inside the directory is listed as that file;
// a link that leaves the directory, leads nowhere or to a directory is not. Devices, pipes, sockets and what cannot be
// read are not. [Library.Skipped] says what was left out, and why. A file that changes while it is read is read again,
// and left out as [Writing] while it goes on changing.
//
// # The catalog file
//
// JSON, one entry a line, mode 0600, replaced atomically: the reply to `get` and beside it the directory, its disks,
// the revision and, for each entry, a stamp of its times and inode. All in one file, so that nothing can be out of
// step; it is as readable by whatever reads the contract's JSON. Its owner may edit descriptions, also while the
// library is followed: they belong to the path, and follow the content when the path is renamed. Hash, size and type
// are rewritten by a scan if the file has changed; a file with the same size, times of modification and change, and
// inode is not read again. A file that was renamed is, unless it was its directory: its new name sets the time of
// change as new content would. So is a file in a catalog from before that time was kept, unless both times are one.
//
// # What is away
//
// A deletion is believed where it is seen: while the library is followed, or as some files of many. A directory that is
// not there, or in which hardly one file of twenty is left, is away: unless half as many others are there, on the same
// disk, its list is kept with descriptions and hashes, and nothing new in it is listed. The same holds for each disk
// mounted in the directory (on Linux), and for what cannot be read. Opening such a file is [catalog.ErrAway]. Follow
// looks every few seconds whether it is back; [Library.ScanAccepting] believes that it is gone.
//
// # Promises and limits
//
// Readers see one immutable snapshot and never wait. Paths have at most [catalog.MaxPath] bytes and [catalog.MaxDepth]
// names, a catalog [catalog.MaxEntries] files. A file costs about 145 bytes and its path in memory, and as much again
// for a moment while a change is applied. Applying a change copies and writes the whole list, at most once a quiet
// interval: about 0.1 s at 100,000 files. A scan opens at most a few files per processor at a time.
// A panic while a file is read leaves that file out as [Unreadable]; any other ends the scan with an error.
//
// Other names of a file that changes are looked at with it; a change by a name outside the directory shows at the next
// look at everything, or when the file is downloaded.
//
// Where the system has no time of change, content that is changed in place without changing size or modification time
// (by setting the time back) is not noticed: a receiver's check of the hash is. The directory is open only while
// something in it is read, and for [letGo] after, so that its disk can be unmounted.
package library

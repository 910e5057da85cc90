// Package private writes files and directories that only their owner may read. A file it replaces is, at any moment and
// after a power cut, either the old one or the new one.
//
//	file.go  WriteFile, and File for what is written bit by bit; Exposed
//	dir.go   Mkdir, MkdirAll
//	sync.go  Sync and SyncTree for what others wrote
//	key.go   CurveKey: a key whose seed is made once and kept
//
// On Windows the mode of a file says nothing about who can read it. There a file is as private as the directory that it
// is in, and the user's own directories are private.
package private

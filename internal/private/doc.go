// Package private writes files and directories that only their owner may read. A file it replaces is, at any moment and
// after a power cut, either the old one or the new one.
//
//	file.go  WriteFile, and File for what is written bit by bit
//	dir.go   Mkdir, MkdirAll
//	sync.go  Sync and SyncTree for what others wrote
//	key.go   CurveKey: a key whose seed is made once and kept
//
// On Windows modes mean little: there a file is as private as the directory that it is in, and the user's own
// directories are.
package private

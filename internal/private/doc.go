// Package private writes files that only their owner may read, and that are either as they were or as they should be,
// whatever happens meanwhile.
//
//	private.go  Mkdir, MkdirAll, WriteFile; Sync and SyncTree for what others wrote
package private

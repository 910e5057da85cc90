// Package private writes files that only their owner may read, and that are either as they were or as they should be,
// whatever happens meanwhile.
//
//	private.go  Mkdir and WriteFile
package private

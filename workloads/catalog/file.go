package catalog

import "io"

// A File is an open file of a catalog, as its server reads it. It is safe for concurrent use.
type File interface {
	io.ReaderAt
	io.Closer
	// Size returns the number of bytes that the catalog lists for it.
	Size() int64
	// Check returns nil if everything read until now is the file as listed, and otherwise an error that wraps
	// [ErrChanged] or [ErrAway]. A server calls it for each chunk, so it must cost no more than reading the file's
	// times.
	Check() error
}

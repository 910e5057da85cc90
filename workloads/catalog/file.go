package catalog

import "io"

// A File is an open file of a catalog, as its server reads it. It is safe for concurrent use.
type File interface {
	io.ReaderAt
	io.Closer
	// Size is the number of bytes that the catalog lists for it.
	Size() int64
	// Check returns nil if all that was read until now is the file as listed, and otherwise an error that wraps
	// [ErrChanged] or [ErrAway]. A server calls it once for each chunk, so it costs no more than a look at the file's
	// times.
	Check() error
}

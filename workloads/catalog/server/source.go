package server

import (
	"context"
	"errors"
	"io"

	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog"
)

// Errors of [Library.OpenFile], [File.Check] and reading a [File].
var (
	ErrNotFound = errors.New("no such file in the catalog")
	ErrChanged  = errors.New("the file changed or is gone")
	ErrAway     = errors.New("the owner's disk is away") // or cannot be read now; the file is thought to be on it
)

// A Library is a catalog as its server sees it. All methods are called concurrently.
type Library interface {
	// Name is the catalog's, always the same.
	Name() events.Catalog
	// Contents is what the catalog lists now, sorted by path. It is shared: nobody changes it.
	Contents() catalog.Contents
	// Revision grows with every change of the contents.
	Revision() int64
	// Changes returns a channel that becomes readable when the contents change after the call.
	Changes() <-chan struct{}
	// OpenFile opens the file with the given content. It fails with [ErrNotFound] when none is listed, and with [ErrChanged]
	// when the listed one is not that any more, and with [ErrAway] when that cannot be known.
	OpenFile(events.Hash) (File, error)
}

// A File is an open file of a library, safe for concurrent reading.
type File interface {
	io.ReaderAt
	io.Closer
	// Size is the length in bytes that belongs to the hash.
	Size() int64
	// Check returns an error that wraps [ErrChanged] unless what was read until now was the file as listed. It is called once
	// per chunk, so it should cost no more than a look at the file's times.
	Check() error
}

// Shares tells who may see what; an [api.Client] does.
type Shares interface {
	// Shares returns the shares by and to this account, at least as new as observed.
	Shares(context.Context) ([]api.Share, error)
	// Observe says that the event log has reached the position.
	Observe(position uint64)
}

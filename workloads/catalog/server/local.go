package server

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"natster/events"
	"natster/workloads/catalog"
	"natster/workloads/catalog/library"
)

// Local is a directory of this machine as a [Library] to serve; l stays the caller's to scan, follow and close.
func Local(l *library.Library) Library { return local{l} }

// RunLocal is [Server.Run], and follows libs meanwhile, so that what is served is what is in their directories. The first
// that fails ends all. It returns nil when ctx is done.
func (s *Server) RunLocal(ctx context.Context, libs ...*library.Library) error {
	all, ctx := errgroup.WithContext(ctx)
	for _, l := range libs {
		all.Go(func() error { return l.Follow(ctx) })
	}
	all.Go(func() error { return s.Run(ctx) })
	return all.Wait()
}

type local struct{ *library.Library }

func (l local) OpenFile(h events.Hash) (File, error) {
	f, err := l.Library.OpenFile(h)
	if err != nil {
		return nil, localError(err)
	}
	return localFile{f}, nil
}

type localFile struct{ *library.File }

func (f localFile) Size() int64 { return f.Entry.Size }

// Check is one fstat, for the content and for the name.
func (f localFile) Check() error { return localError(f.Unchanged()) }

func (f localFile) ReadAt(b []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(b, off)
	return n, localError(err)
}

// localError is a library's error as a server knows it.
func localError(err error) error {
	switch {
	case errors.Is(err, catalog.ErrNotFound):
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case errors.Is(err, library.ErrChanged):
		return fmt.Errorf("%w: %w", ErrChanged, err)
	case errors.Is(err, library.ErrAway):
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	return err
}

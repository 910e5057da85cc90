package server

import (
	"errors"
	"fmt"

	"natster/events"
	"natster/workloads/catalog"
	"natster/workloads/catalog/library"
)

// Local is a directory of this machine as a [Library] to serve; l stays the caller's to scan, follow and close.
func Local(l *library.Library) Library { return local{l} }

type local struct{ *library.Library }

func (l local) OpenFile(h events.Hash) (File, error) {
	f, err := l.Library.OpenFile(h)
	switch {
	case errors.Is(err, catalog.ErrNotFound):
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	case errors.Is(err, library.ErrChanged):
		return nil, fmt.Errorf("%w: %w", ErrChanged, err)
	case err != nil:
		return nil, err
	}
	return localFile{f}, nil
}

type localFile struct{ *library.File }

func (f localFile) Size() int64 { return f.Entry.Size }

// Check is one fstat for the content and one for the name: what was unlinked, or replaced by a rename, has no name left.
func (f localFile) Check() error {
	if err := f.Unchanged(); err != nil {
		return fmt.Errorf("%w: %w", ErrChanged, err)
	}
	fi, err := f.Stat()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrChanged, err)
	}
	if unlinked(fi) {
		return fmt.Errorf("%w: it was removed or replaced", ErrChanged)
	}
	return nil
}

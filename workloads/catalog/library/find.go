package library

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"natster/events"
	"natster/workloads/catalog"
)

// ErrChanged says that a file is not what the catalog lists: it was changed, replaced or removed since it was hashed.
var ErrChanged = errors.New("the file has changed since it was catalogued")

// Find returns the entry that what names: a path, or a beginning of a hash. See [catalog.Contents.Find] for its errors,
// which wrap [catalog.ErrNotFound] or [catalog.ErrAmbiguous].
func (l *Library) Find(what string) (catalog.Entry, error) {
	if e, ok := l.Path(what); ok {
		return e, nil
	}
	if h, err := events.ParseHash(strings.ToLower(what)); err == nil {
		if e, ok := l.Hash(h); ok {
			return e, nil
		}
	}
	return l.Contents().Find(what)
}

// Path returns the entry at path.
func (l *Library) Path(path string) (catalog.Entry, bool) {
	s := l.snap.Load()
	i, ok := s.at(path)
	if !ok {
		return catalog.Entry{}, false
	}
	return s.entries[i], true
}

// Hash returns the first entry with content h.
func (l *Library) Hash(h events.Hash) (catalog.Entry, bool) {
	s := l.snap.Load()
	idx := s.withHash(h)
	if len(idx) == 0 {
		return catalog.Entry{}, false
	}
	return s.entries[idx[0]], true
}

// A File is an open file of the catalog, for reading. It is safe for concurrent use by ReadAt.
type File struct {
	*os.File
	Entry catalog.Entry
	stamp stamp
}

// Unchanged returns nil as long as the file is what was hashed, or an error that wraps [ErrChanged]. Called after a read, it
// vouches for what was read.
func (f *File) Unchanged() error {
	fi, err := f.Stat()
	if err != nil {
		return fmt.Errorf("library: %q: %w: %w", f.Entry.Path, ErrChanged, err)
	}
	if stampOf(fi) != f.stamp {
		return fmt.Errorf("library: %q: %w", f.Entry.Path, ErrChanged)
	}
	return nil
}

// OpenFile opens a file with content h. If the catalog lists none the error wraps [catalog.ErrNotFound]; if the files it
// lists are no longer what was hashed, [ErrChanged].
func (l *Library) OpenFile(h events.Hash) (*File, error) {
	s := l.snap.Load()
	idx := s.withHash(h)
	if len(idx) == 0 {
		return nil, &catalog.FindError{What: h.String(), Err: catalog.ErrNotFound}
	}
	var first error
	for _, i := range idx {
		f, err := l.open(s.entries[i], s.marks[i].stamp)
		if err == nil {
			return f, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

func (l *Library) open(e catalog.Entry, s stamp) (*File, error) {
	file, err := l.root.Load().OpenFile(e.Path, openFlags, 0)
	switch {
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("library: %q: %w", e.Path, err) // says nothing about the content
	case err != nil:
		return nil, fmt.Errorf("library: %q: %w: %w", e.Path, ErrChanged, err)
	}
	f := &File{file, e, s}
	if err := f.Unchanged(); err != nil {
		file.Close()
		return nil, err
	}
	return f, nil
}

package library

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"natster/events"
	"natster/workloads/catalog"
)

// letGo is how long a file that is not read stays open: as long as it is, its disk cannot be unmounted.
const letGo = 3 * time.Second

// A file is an open file of the library, a [catalog.File]. Its descriptor is closed when it is not read for a while,
// and opened again when it is.
type file struct {
	entry catalog.Entry

	library *Library
	idle    *time.Timer
	mu      sync.Mutex
	file    *os.File // nil: closed meanwhile
	stamp   stamp    // of the content of Entry
	readers int
	closed  bool
}

// OpenFile opens a file with content h. If the catalog lists none the error wraps [catalog.ErrNotFound]; if the files
// it lists are no longer what was hashed, [catalog.ErrChanged]; if their disk is away or cannot be read,
// [catalog.ErrAway].
func (l *Library) OpenFile(h events.Hash) (catalog.File, error) {
	s := l.snap.Load()
	idx := s.withHash(h)
	if len(idx) == 0 {
		return nil, &catalog.FindError{What: h.String(), Err: catalog.ErrNotFound}
	}
	var first error
	for _, i := range idx {
		f := &file{entry: s.entries[i], library: l, stamp: s.marks[i].stamp}
		if err := f.open(); err != nil {
			if first == nil || errors.Is(err, catalog.ErrAway) {
				first = err
			}
			continue
		}
		f.idle = time.AfterFunc(letGo, f.rest)
		return f, nil
	}
	return nil, first
}

// open opens the file, and refuses what is not what was hashed. The lock is held, or only the caller has f.
func (f *file) open() error {
	l := f.library
	root, err := l.openDir()
	var file *os.File
	if err == nil {
		defer root.Close()
		file, err = root.OpenFile(f.entry.Path, openFlags, 0)
	}
	switch {
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return fmt.Errorf("library: %q: %w", f.entry.Path, err)
	case err != nil && root == nil, err != nil && cannotRead(err):
		l.suspect(f.entry.Path)
		return awayError(f.entry, reasonOf(err))
	case err != nil:
		return f.changed(err)
	}
	if err := f.check(file); err != nil {
		_ = file.Close()
		return err
	}
	f.file = file
	return nil
}

// changed is the error about a file that is not what was hashed, or has gone with its disk.
func (f *file) changed(why error) error {
	f.library.suspect(f.entry.Path)
	if away, is := f.library.awayAt(f.library.snap.Load(), f.entry.Path); is {
		return awayError(f.entry, away)
	}
	if why != nil {
		return fmt.Errorf("library: %q: %w: %w", f.entry.Path, catalog.ErrChanged, why)
	}
	return fmt.Errorf("library: %q: %w", f.entry.Path, catalog.ErrChanged)
}

// check returns nil if file is what was hashed.
func (f *file) check(file *os.File) error {
	fi, err := file.Stat()
	switch {
	case err != nil && cannotRead(err):
		return awayError(f.entry, reasonOf(err))
	case err != nil:
		return f.changed(err)
	case unlinked(fi):
		return f.changed(errors.New("it was removed or replaced"))
	}
	now := stampOf(fi)
	switch {
	case f.stamp.is(now), f.stamp.ctime == 0 && f.stamp.like(now):
		return nil
	case !f.stamp.like(now):
		return f.changed(nil)
	}
	// Its rights or its name have changed, or it was changed and the time set back. Until it was read again, which
	// happens now, it is taken for the same.
	e, known := f.library.stampAt(f.entry.Path)
	switch {
	case known.is(now) && e.Hash == f.entry.Hash:
		f.stamp = now
		return nil
	case known.is(now), !known.like(now), !f.library.suspect(f.entry.Path):
		return f.changed(nil)
	}
	return nil
}

// stampAt returns the entry at path and its stamp, or zero ones.
func (l *Library) stampAt(path string) (catalog.Entry, stamp) {
	s := l.snap.Load()
	i, ok := s.at(path)
	if !ok {
		return catalog.Entry{}, stamp{size: -1}
	}
	return s.entries[i], s.marks[i].stamp
}

// ReadAt reads like an [io.ReaderAt]. What it read is vouched for by Check alone.
func (f *file) ReadAt(b []byte, off int64) (int, error) {
	file, err := f.acquire()
	if err != nil {
		return 0, err
	}
	defer f.release()
	n, err := file.ReadAt(b, off)
	if err != nil && err != io.EOF && cannotRead(err) {
		return n, awayError(f.entry, reasonOf(err))
	}
	return n, err
}

// Size is the length of what was hashed.
func (f *file) Size() int64 { return f.entry.Size }

// Check is one fstat, for the content and for the name. Called after a read, it vouches for what was read; other rights
// of the file are no change.
func (f *file) Check() error {
	file, err := f.acquire()
	if err != nil {
		return err
	}
	defer f.release()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.check(file)
}

// acquire returns the file, which stays open until release is called.
func (f *file) acquire() (*os.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, fmt.Errorf("library: %q: %w", f.entry.Path, fs.ErrClosed)
	}
	if f.file == nil {
		if err := f.open(); err != nil {
			return nil, err
		}
	}
	f.readers++
	return f.file, nil
}

func (f *file) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.readers--; f.readers > 0 {
		return
	}
	if f.closed {
		f.shut()
	} else {
		f.idle.Reset(letGo)
	}
}

// rest closes the file for a while if it is not read.
func (f *file) rest() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.readers == 0 {
		f.shut()
	}
}

func (f *file) shut() {
	if f.file != nil {
		_ = f.file.Close() // it was only read
		f.file = nil
	}
}

// Close ends the use of f; a read that is under way ends first.
func (f *file) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.idle != nil {
		f.idle.Stop()
	}
	if f.readers == 0 {
		f.shut()
	}
	return nil
}

// suspect has Follow look at the file at path soon. It reports whether the library is followed.
func (l *Library) suspect(path string) bool {
	if !l.followed.Load() {
		return false
	}
	select {
	case l.suspects <- path:
	default: // see Open
	}
	return true
}

package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"syscall"
	"time"

	"natster/workloads/catalog"
)

// Errors of what happens in the directory of a download.
var (
	ErrExists   = errors.New("another file is there already")
	ErrInWay    = fmt.Errorf("%w, and no download replaces it", ErrExists)
	ErrDiskFull = errors.New("the disk is full; what has come is kept, and the download continues from there")
	ErrReadOnly = errors.New("the disk cannot be written to")
	ErrInUse    = errors.New("another download is writing this file")
)

var errRemoved = errors.New("the unfinished file was removed or replaced meanwhile; download it again")

// A sink is what a partial file is read and written through.
type sink interface {
	io.WriterAt
	io.ReaderAt
	Truncate(int64) error
	Sync() error
}

// A disk is the directory of a download with everything below it: an [os.Root].
type disk interface {
	Stat(name string) (fs.FileInfo, error)
	Lstat(name string) (fs.FileInfo, error)
	Open(name string) (*os.File, error)
	OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error)
	Mkdir(name string, perm fs.FileMode) error
	Link(oldname, newname string) error
	Rename(oldname, newname string) error
	Remove(name string) error
	Chtimes(name string, atime, mtime time.Time) error
}

// A partial is an unfinished file: at any moment, even after a crash, the beginning of the file. It is written in
// order, so that its length says what is there. Its name has the hash, so that it is never taken for another file's.
type partial struct {
	root disk
	e    catalog.Entry
	name string // until the file is whole and gets the entry's path
	file *os.File
	sink
	size    int64
	started int64 // up to here the system was asked to write to the disk
}

// writebackStep is after how many bytes the system is asked to write them to the disk.
const writebackStep = 16 << 20

// partialName returns the name of an unfinished file: its path, its hash, and .partial.
func partialName(e catalog.Entry) string {
	p := e.Path
	if len(path.Base(p))+len(partialEndOf(e)) > catalog.MaxName {
		p = longName(e)
	}
	return p + partialEndOf(e)
}

func partialEndOf(e catalog.Entry) string { return "." + e.Hash.Short() + partialEnd }

// longName replaces the path of a file whose name leaves no room for more.
func longName(e catalog.Entry) string {
	return path.Join(path.Dir(e.Path), fmt.Sprintf("%x", sha256.Sum256([]byte(path.Base(e.Path))))[:40])
}

const partialEnd = ".partial"

// partialForm matches names of partials, also of earlier versions and on disks that ignore case. A file that is
// downloaded must not have such a name: it would be taken for the beginning of another.
var partialForm = regexp.MustCompile(`(?i)(\.[0-9a-f]{12}|^[0-9a-f]{64})\.partial$`)

// partialOf returns the name that a partial has when it is whole.
func partialOf(name string) (whole string, ok bool) {
	n := len(name) - len(partialEnd) - 13
	return name[:max(n, 0)], n > 0 && partialForm.MatchString(name) && name[n] == '.'
}

// openPartial opens or creates the partial of e and locks it.
func (d *download) openPartial(e catalog.Entry) (*partial, error) {
	root, name := d.root, partialName(e)
	if _, err := root.Lstat(name); errors.Is(err, syscall.ENAMETOOLONG) { // the disk's limit is lower
		name = longName(e) + partialEndOf(e)
	}
	for tries := 0; ; tries++ {
		if fi, err := root.Lstat(name); err == nil && !fi.Mode().IsRegular() { // opening would follow a link
			return nil, fmt.Errorf("%s: %w: it is no regular file", name, ErrInWay)
		}
		if err := d.left.mkdir(path.Dir(e.Path)); err != nil {
			return nil, err
		}
		f, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
		if errors.Is(err, fs.ErrNotExist) && tries < 3 {
			continue // another download removed the directory, empty as it was
		}
		if err != nil {
			return nil, err
		}
		p := &partial{root: root, e: e, name: name, file: f, sink: d.c.seams.sink(f)}
		var mine bool
		if err = lock(f); err == nil {
			if mine, err = p.named(); mine {
				return p, nil
			}
		}
		_ = f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		} // otherwise the download that had the lock has finished
	}
}

// named reports whether the name is still this file's, and notes its size.
func (p *partial) named() (bool, error) {
	mine, err := p.file.Stat()
	if err != nil {
		return false, err
	}
	p.size = mine.Size()
	there, err := p.root.Lstat(p.name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(mine, there), err
}

// append writes b at the end.
func (p *partial) append(b []byte) error {
	n, err := p.WriteAt(b, p.size)
	p.size += int64(n)
	if p.size-p.started >= writebackStep {
		writeback(p.file, p.started, p.size-p.started)
		p.started = p.size
	}
	return diskError(err)
}

// reset cuts the partial to its first n bytes.
func (p *partial) reset(n int64) error {
	if err := p.Truncate(n); err != nil {
		return err
	}
	p.size, p.started = n, min(p.started, n)
	return nil
}

// sum adds what is there to h. It calls report, if not nil, with the number of bytes read so far.
func (p *partial) sum(ctx context.Context, h hash.Hash, report func(int64)) error {
	buf := make([]byte, 256<<10)
	for at := int64(0); at < p.size; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := p.ReadAt(buf[:min(int64(len(buf)), p.size-at)], at)
		h.Write(buf[:n]) // never fails
		if report != nil {
			report(at + int64(n))
		}
		if at += int64(n); n == 0 && err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// commit writes the whole file to the disk and gives it its time and its path. It replaces another file only if replace
// is set.
func (p *partial) commit(replace bool) error {
	if when := p.e.ModTime(); !when.IsZero() {
		_ = p.root.Chtimes(p.name, time.Now(), when) // a disk without times can have the file too
	}
	if err := p.Sync(); err != nil {
		return diskError(err)
	}
	if mine, err := p.named(); err != nil || !mine { // the file of that name was not verified
		return errors.Join(fmt.Errorf("%s: %w", p.name, errRemoved), err)
	}
	if replace {
		return p.root.Rename(p.name, p.e.Path)
	}
	// A link fails where a rename would replace what has appeared meanwhile.
	err := p.root.Link(p.name, p.e.Path)
	if err == nil {
		return p.root.Remove(p.name)
	}
	if !errors.Is(err, fs.ErrExist) { // the file system has no links: what the rename replaces is an empty file of ours
		var f *os.File
		if f, err = p.root.OpenFile(p.e.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666); err == nil {
			err = f.Close()
		}
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s: %w", p.e.Path, ErrExists)
	case err != nil:
		return err
	}
	if err := p.root.Rename(p.name, p.e.Path); err != nil {
		return errors.Join(err, p.root.Remove(p.e.Path))
	}
	return nil
}

// discard removes the partial.
func (p *partial) discard() error {
	if err := p.root.Remove(p.name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

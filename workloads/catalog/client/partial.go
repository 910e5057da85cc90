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
	"natster/workloads/catalog/seal"
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

// sink is what a partial file is written through.
type sink interface {
	io.WriterAt
	io.ReaderAt
	Truncate(int64) error
	Sync() error
	Close() error
}

// disk is the directory of a download, and what is below it: an [os.Root].
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

// seams are where tests put faults.
type seams struct {
	disk      func(*os.Root) disk
	sink      func(*os.File) sink
	protocol1 bool                        // ask as an existing client does
	key       func() (*seal.Key, error)   // the receiver's of a session, instead of a fresh one
	wire      func(frame []byte) [][]byte // what becomes of a frame before it is opened
	system    string                      // what it downloads on, as runtime.GOOS
}

// partial is a file on its way: at any moment, also after a crash, the beginning of the file. It is written strictly in
// order, so that its length is all there is to know, and its name carries the hash, so that it is never mistaken for another's.
type partial struct {
	root disk
	path string    // where the whole goes
	when time.Time // when it was last modified, or zero
	name string    // where it is until then
	file *os.File
	sink
	size    int64
	started int64 // up to here the disk has been told to write
}

// writebackStep is how many bytes are written before the disk is told to begin.
const writebackStep = 16 << 20

// partialName is where a file is until it is whole: at the name of its path, its hash, and .partial.
func partialName(e catalog.Entry) string {
	p := e.Path
	if len(path.Base(p))+len(partialEndOf(e)) > catalog.MaxName {
		p = longName(e)
	}
	return p + partialEndOf(e)
}

func partialEndOf(e catalog.Entry) string { return "." + e.Hash.Short() + partialEnd }

// longName stands for the path of a file whose name has no room for more.
func longName(e catalog.Entry) string {
	return path.Join(path.Dir(e.Path), fmt.Sprintf("%x", sha256.Sum256([]byte(path.Base(e.Path))))[:40])
}

const partialEnd = ".partial"

// partialForm is what partials are called, also where case does not count, and were called in earlier versions. No file that
// is downloaded may be called so: it would be taken for the beginning of another.
var partialForm = regexp.MustCompile(`(?i)(\.[0-9a-f]{12}|^[0-9a-f]{64})\.partial$`)

// partialOf returns the name that a partial would have as a whole.
func partialOf(name string) (whole string, ok bool) {
	n := len(name) - len(partialEnd) - 13
	return name[:max(n, 0)], n > 0 && partialForm.MatchString(name) && name[n] == '.'
}

// openPartial opens or creates the partial of e, which nobody else can then.
func (d *download) openPartial(e catalog.Entry) (*partial, error) {
	root, name := d.root, partialName(e)
	if _, err := root.Lstat(name); errors.Is(err, syscall.ENAMETOOLONG) { // where the name itself may have room
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
		p := &partial{root: root, path: e.Path, when: e.ModTime(), name: name, file: f, sink: f}
		if d.c.seams.sink != nil {
			p.sink = d.c.seams.sink(f)
		}
		there, err := p.claim()
		if err == nil && there {
			return p, nil
		}
		_ = f.Close()
		if err != nil {
			return nil, err
		}
	}
}

// claim locks the partial; it reports whether the name still is this file's: the one who had the lock may have finished.
func (p *partial) claim() (bool, error) {
	if err := lock(p.file); err != nil {
		return false, fmt.Errorf("%s: %w", p.name, err)
	}
	fi, err := p.file.Stat()
	if err != nil {
		return false, err
	}
	p.size = fi.Size()
	return p.named()
}

// named tells whether the name still is this file's.
func (p *partial) named() (bool, error) {
	mine, err := p.file.Stat()
	if err != nil {
		return false, err
	}
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
	if p.size-p.started >= writebackStep && p.file != nil {
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

// sum adds what is there to h, and tells how far it is.
func (p *partial) sum(ctx context.Context, h hash.Hash, told func(int64)) error {
	buf := make([]byte, 256<<10)
	for at := int64(0); at < p.size; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := p.ReadAt(buf[:min(int64(len(buf)), p.size-at)], at)
		h.Write(buf[:n]) // never fails
		if told != nil {
			told(at + int64(n))
		}
		if at += int64(n); n == 0 && err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// commit gives the whole file its time and its name, once it is on the disk. It replaces a file there only when told to.
func (p *partial) commit(replace bool) error {
	if !p.when.IsZero() {
		_ = p.root.Chtimes(p.name, time.Now(), p.when) // a disk that keeps no times does not keep the file from being whole
	}
	if err := p.Sync(); err != nil {
		return diskError(err)
	}
	if mine, err := p.named(); err != nil || !mine { // what stands there now, nobody has verified
		return errors.Join(fmt.Errorf("%s: %w", p.name, errRemoved), err)
	}
	if replace {
		return p.root.Rename(p.name, p.path)
	}
	// A link fails where a rename would replace what appeared there meanwhile.
	err := p.root.Link(p.name, p.path)
	switch {
	case err == nil:
		return p.root.Remove(p.name)
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s: %w", p.path, ErrExists)
	}
	// A file system without links: what is replaced is our own.
	f, err := p.root.OpenFile(p.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w", p.path, ErrExists)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return err
	}
	if err := p.root.Rename(p.name, p.path); err != nil {
		return errors.Join(err, p.root.Remove(p.path))
	}
	return nil
}

// discard removes the partial, whose content is of no use.
func (p *partial) discard() error {
	if err := p.root.Remove(p.name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

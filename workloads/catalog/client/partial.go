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

	"natster/workloads/catalog"
)

// Errors of what happens in the directory of a download.
var (
	ErrExists   = errors.New("another file is there already")
	ErrDiskFull = errors.New("the disk is full; what has come is kept, and the download continues from there")
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

// seams are where tests put faults.
type seams struct {
	sink      func(*os.File) sink
	protocol1 bool                        // ask as an existing client does
	wire      func(frame []byte) [][]byte // what becomes of a frame before it is opened
}

// partial is a file on its way: at any moment, also after a crash, the beginning of the file. It is written strictly in
// order, so that its length is all there is to know, and its name carries the hash, so that it is never mistaken for another's.
type partial struct {
	root *os.Root
	path string // where the whole goes
	name string // where it is until then
	file *os.File
	sink
	size    int64
	started int64 // up to here the disk has been told to write
}

// writebackStep is how many bytes are written before the disk is told to begin.
const writebackStep = 16 << 20

// partialName is where a file is until it is whole.
func partialName(e catalog.Entry) string {
	name := path.Base(e.Path) + "." + e.Hash.Short()
	if len(name)+len(partialEnd) > catalog.MaxName {
		name = fmt.Sprintf("%x", sha256.Sum256([]byte(e.Hash.String()+path.Base(e.Path))))
	}
	return path.Join(path.Dir(e.Path), name+partialEnd)
}

const partialEnd = ".partial"

// partialForm is what partials are called, also where case does not count. No file that is downloaded may be called so: it
// would be taken for the beginning of another.
var partialForm = regexp.MustCompile(`(?i)(\.[0-9a-f]{12}|^[0-9a-f]{64})\.partial$`)

// openPartial opens or creates the partial of e, which nobody else can then.
func (c *Client) openPartial(root *os.Root, e catalog.Entry) (*partial, error) {
	name := partialName(e)
	if dir := path.Dir(e.Path); dir != "." {
		if err := root.MkdirAll(dir, 0o777); err != nil {
			return nil, err
		}
	}
	for {
		if fi, err := root.Lstat(name); err == nil && !fi.Mode().IsRegular() { // opening would follow a link
			return nil, fmt.Errorf("%s: %w, and it is no regular file", name, ErrExists)
		}
		f, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return nil, err
		}
		p := &partial{root: root, path: e.Path, name: name, file: f, sink: f}
		if c.seams.sink != nil {
			p.sink = c.seams.sink(f)
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

// sum adds what is there to h.
func (p *partial) sum(ctx context.Context, h hash.Hash) error {
	buf := make([]byte, 256<<10)
	for at := int64(0); at < p.size; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := p.ReadAt(buf[:min(int64(len(buf)), p.size-at)], at)
		h.Write(buf[:n]) // never fails
		if at += int64(n); n == 0 && err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// commit gives the whole file its name, once it is on the disk. It replaces a file there only when told to.
func (p *partial) commit(replace bool) error {
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
	default: // a file system without links
		return p.root.Rename(p.name, p.path)
	}
}

// discard removes the partial, whose content is of no use.
func (p *partial) discard() error {
	if err := p.root.Remove(p.name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// diskError makes a full disk plain.
func diskError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return err
}

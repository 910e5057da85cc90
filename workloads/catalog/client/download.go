package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/workloads/catalog"
)

// ErrHash says that what came whole is not what was listed.
var ErrHash = errors.New("the file that came is not the one that was listed: its hash is another")

// Options of a download. The zero value is good.
type Options struct {
	Parallel  int  // files at a time, default 4, at most 32: a window cut finer than that holds no chunk
	Overwrite bool // replace files that are there and differ, instead of failing with [ErrExists]

	// Progress is told how far it is: about ten times a second, and when a file is done; by one goroutine at a time. It must
	// not block.
	Progress func(Progress)
}

const mostParallel = 32

// Progress is how far a download is. Bytes that were there before count as done.
type Progress struct {
	Path             string // the file that moved
	Done, Size       int64  // of that file, in bytes
	Complete         bool   // that file is whole and has its name
	AllDone, All     int64  // of all files, in bytes
	FilesDone, Files int
}

// Result is what a download did, also one that failed.
type Result struct {
	Files   int   // whole and verified now
	Skipped int   // of them, were there already
	Resumed int   // of them, continued from what an earlier download left
	Bytes   int64 // received
}

// Download brings files of a catalog into directory dest, which is made when needed. Nothing is ever written outside it. A
// file is "<name>.<hash>.partial" until all of it has come and its SHA-256 is the listed one; a download that is interrupted,
// in whatever way, continues from there when it is repeated. A file that is there already with the listed content is left as
// it is. Directories and files are made with the usual permissions of the process.
//
// A file that fails does not keep the others from coming; the error joins all failures, each wrapping one of this package's
// errors. What would fail for all of them ends the download: [ErrNotShared], [ErrOffline], [ErrDiskFull], the end of ctx.
func (c *Client) Download(ctx context.Context, name events.Catalog, entries []catalog.Entry, dest string, o Options) (Result, error) {
	owner, err := c.owner(ctx, name)
	if err != nil {
		return Result{}, err
	}
	if err := os.MkdirAll(dest, 0o777); err != nil {
		return Result{}, fmt.Errorf("download: %w", diskError(err))
	}
	root, err := os.OpenRoot(dest)
	if err != nil {
		return Result{}, fmt.Errorf("download: %w", err)
	}
	defer root.Close()
	if o.Parallel <= 0 {
		o.Parallel = 4
	}
	o.Parallel = min(o.Parallel, mostParallel, max(1, len(entries)))
	d := &download{c: c, catalog: name, owner: owner, root: root, o: o}
	d.p.Files = len(entries)
	for _, e := range entries {
		d.p.All += e.Size
	}
	return d.run(ctx, entries)
}

type download struct {
	c       *Client
	catalog events.Catalog
	owner   events.Account
	root    *os.Root
	o       Options

	mu     sync.Mutex
	p      Progress
	told   time.Time
	result Result
	errs   []error
}

func (d *download) run(ctx context.Context, entries []catalog.Entry) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan catalog.Entry)
	var wg sync.WaitGroup
	for range d.o.Parallel {
		wg.Go(func() {
			for e := range work {
				if err := d.file(ctx, e); err != nil {
					d.failed(e, err)
					if hopeless(err) {
						cancel(errStopped)
					}
				}
			}
		})
	}
feed:
	for _, e := range entries {
		select {
		case work <- e:
		case <-ctx.Done():
			break feed
		}
	}
	close(work)
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errStopped) {
		return d.result, fmt.Errorf("download: %w", cause)
	}
	return d.result, errors.Join(d.errs...)
}

// errStopped stops the other files after one has failed in a way that they would too.
var errStopped = errors.New("the download was stopped")

func hopeless(err error) bool {
	for _, e := range []error{ErrNotShared, ErrOffline, ErrDiskFull, nats.ErrConnectionClosed} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (d *download) failed(e catalog.Entry, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if errors.Is(err, errStopped) || errors.Is(err, context.Canceled) {
		return // not its own fault
	}
	d.errs = append(d.errs, fmt.Errorf("%q: %w", e.Path, err))
}

// file brings one file.
func (d *download) file(ctx context.Context, e catalog.Entry) error {
	if err := catalog.CheckPath(e.Path); err != nil {
		return err
	}
	if partialForm.MatchString(path.Base(e.Path)) {
		return fmt.Errorf("%w: it is called like an unfinished download", catalog.ErrPath)
	}
	m := &meter{d: d, e: e}
	same, err := d.present(ctx, e)
	switch {
	case err != nil:
		return err
	case same:
		m.complete(Result{Skipped: 1})
		return nil
	}
	p, err := d.c.openPartial(d.root, e)
	if err != nil {
		return diskError(err)
	}
	defer p.file.Close()
	same, err = d.present(ctx, e) // now that nobody else writes it: another download may have finished meanwhile
	if same || err != nil && p.size == 0 {
		err = errors.Join(err, p.discard())
	}
	switch {
	case err != nil:
		return err
	case same:
		m.complete(Result{Skipped: 1})
		return nil
	}
	return d.bring(ctx, p, m)
}

// bring makes p whole and gives it its name.
func (d *download) bring(ctx context.Context, p *partial, m *meter) error {
	e := m.e
	if p.size > e.Size {
		if err := p.reset(0); err != nil {
			return err
		}
	}
	for {
		began := p.size
		sum, err := d.fill(ctx, p, m)
		switch {
		case err != nil && p.size == 0:
			return errors.Join(err, p.discard())
		case err != nil:
			return err
		}
		if sum == e.Hash {
			if err := p.commit(d.o.Overwrite); err != nil {
				return err
			}
			if began > 0 {
				m.complete(Result{Resumed: 1})
			} else {
				m.complete(Result{})
			}
			return nil
		}
		if err := p.reset(0); err != nil {
			return err
		}
		if began == 0 { // every byte of it came just now
			return errors.Join(ErrHash, p.discard())
		}
		d.c.Logger.Warn("what an earlier download left was damaged; beginning anew", "path", e.Path)
	}
}

// present tells whether the file is there already; another one in its place is an error, unless it may be replaced.
func (d *download) present(ctx context.Context, e catalog.Entry) (bool, error) {
	fi, err := d.root.Lstat(e.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case fi.Mode().IsRegular() && fi.Size() == e.Size:
		f, err := d.root.Open(e.Path)
		if err != nil {
			return false, err
		}
		defer f.Close()
		there := &partial{name: e.Path, sink: f, size: e.Size}
		h := sha256.New()
		if err := there.sum(ctx, h); err != nil {
			return false, err
		}
		if hashOf(h) == e.Hash {
			// A crash between getting the name and losing the other leaves both.
			if left, err := d.root.Lstat(partialName(e)); err == nil && os.SameFile(fi, left) {
				return true, d.root.Remove(partialName(e))
			}
			return true, nil
		}
	case !fi.Mode().IsRegular():
		return false, fmt.Errorf("%w, and it is no regular file", ErrExists)
	}
	if !d.o.Overwrite {
		return false, ErrExists
	}
	return false, nil
}

// meter is how far one file is.
type meter struct {
	d    *download
	e    catalog.Entry
	done int64
}

// at takes in that done bytes of the file are there, of which received have just come.
func (m *meter) at(done int64, received int) {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	m.d.result.Bytes += int64(received)
	m.tell(done, false)
}

// complete takes in that the file is whole, and what more is to be counted.
func (m *meter) complete(r Result) {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	m.d.result.Files++
	m.d.result.Skipped += r.Skipped
	m.d.result.Resumed += r.Resumed
	m.d.p.FilesDone++
	m.tell(m.e.Size, true)
}

func (m *meter) tell(done int64, complete bool) {
	p := &m.d.p
	p.Path, p.Done, p.Size, p.Complete = m.e.Path, done, m.e.Size, complete
	p.AllDone += done - m.done
	m.done = done
	if m.d.o.Progress == nil {
		return
	}
	if now := time.Now(); complete || now.Sub(m.d.told) > 100*time.Millisecond {
		m.d.told = now
		m.d.o.Progress(*p)
	}
}

package client

import (
	"context"
	"errors"
	"fmt"
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
	Wait      bool // for an owner who does not answer, for as long as it takes, instead of for the client's Timeout

	// Listed are all files of the catalog, where those of a download are not: none that an earlier download brought is
	// replaced by another that has the same name on this disk, and what is left unfinished is known for what it is.
	Listed []catalog.Entry

	// Progress is told how far it is: about ten times a second, and when a file is done; by one goroutine at a time. It must
	// not block.
	Progress func(Progress)
}

const mostParallel = 32

// Download brings files of a catalog into directory dest, which is made when needed. Nothing is ever written outside it. A
// file is "<name>.<hash>.partial" until all of it has come and its SHA-256 is the listed one; a download that is interrupted,
// in whatever way, continues from there when it is repeated. A file that is there already with the listed content is left as
// it is. Directories and files are made with the usual permissions of the process; a file is given the time that is listed.
//
// Two files whose names the disk takes for one (for its case, or Unicode's forms) do not replace each other: the later fails
// with [ErrTwin]. A name that the disk cannot hold is [ErrName]. Unfinished parts of older versions of a file are removed, and
// so are directories that were made and hold nothing in the end.
//
// A file that fails does not keep the others from coming; the error joins all failures, each wrapping one of this package's
// errors. What would fail for all of them ends the download: [ErrNotShared], [ErrOffline], [ErrDiskFull], [ErrReadOnly], the
// end of ctx.
func (c *Client) Download(ctx context.Context, name events.Catalog, entries []catalog.Entry, dest string, o Options) (Result, error) {
	origin, err := c.origin(ctx, name)
	if err != nil {
		return Result{}, err
	}
	unmake, err := makeDest(dest)
	if err != nil {
		return Result{}, fmt.Errorf("download: %w", diskError(err))
	}
	defer unmake()
	root, err := os.OpenRoot(dest)
	if err != nil {
		return Result{}, fmt.Errorf("download: %w", err)
	}
	defer root.Close()
	if o.Parallel <= 0 {
		o.Parallel = 4
	}
	o.Parallel = min(o.Parallel, mostParallel, max(1, len(entries)))
	if o.Listed == nil {
		o.Listed = entries
	}
	d := &download{c: c, catalog: name, origin: origin, root: root, o: o, listed: o.Listed, places: newPlaces(o.Listed)}
	if c.seams.disk != nil {
		d.root = c.seams.disk(root)
	}
	d.left.root = d.root
	defer d.left.unmake()
	d.p.Files = len(entries)
	for _, e := range entries {
		d.p.All += e.Size
	}
	return d.run(ctx, entries)
}

type download struct {
	c       *Client
	catalog events.Catalog
	origin  Origin
	root    disk
	o       Options
	listed  []catalog.Entry
	places  *places
	left    leftovers

	mu     sync.Mutex
	p      Progress
	told   time.Time
	heard  bool // the owner has answered
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
	d.result.Orphans = d.left.orphans(entries, d.listed)
	return d.result, errors.Join(d.errs...)
}

// errStopped stops the other files after one has failed in a way that they would too.
var errStopped = errors.New("the download was stopped")

func hopeless(err error) bool {
	for _, e := range []error{ErrNotShared, ErrOffline, ErrDiskFull, ErrReadOnly, nats.ErrConnectionClosed} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// hopelessHere tells whether a file can never be on this disk, so that its partial is of no use.
func hopelessHere(err error) bool {
	return errors.Is(err, ErrTwin) || errors.Is(err, ErrTooLong)
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
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := catalog.CheckPath(e.Path); err != nil {
		return err
	}
	if err := catalog.CheckOn(d.c.seams.system, e.Path); err != nil {
		return fmt.Errorf("%w: %w", ErrName, err)
	}
	if partialForm.MatchString(path.Base(e.Path)) {
		return fmt.Errorf("%w: it is called like an unfinished download", catalog.ErrPath)
	}
	defer d.places.turn(e)()
	m := &meter{d: d, e: e}
	same, err := d.present(ctx, m)
	if err == nil {
		err = d.left.tidy(e)
	}
	switch {
	case err != nil:
		return err
	case same:
		m.complete(Result{Skipped: 1})
		return nil
	}
	p, err := d.openPartial(e)
	if err != nil {
		return d.misplaced(e, err)
	}
	defer p.file.Close()
	same, err = d.present(ctx, m) // now that nobody else writes it: another download may have finished meanwhile
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
		case err != nil && (p.size == 0 || hopelessHere(err)):
			return errors.Join(err, p.discard())
		case err != nil:
			return err
		}
		if sum == e.Hash {
			err := d.commit(ctx, p, m)
			switch {
			case hopelessHere(err), badName(err):
				return errors.Join(d.misplaced(e, err), p.discard())
			case err != nil:
				return d.misplaced(e, err)
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

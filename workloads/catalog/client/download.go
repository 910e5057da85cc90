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

// ErrHash means that the whole file has arrived and is not the one that was listed.
var ErrHash = errors.New("the file that came is not the one that was listed: its hash is another")

// Options of a download. The zero value is good.
type Options struct {
	Parallel  int  // files at a time, default 4, at most 32: the window of each must hold a chunk
	Overwrite bool // replace other files that are there, instead of failing with [ErrExists]
	Wait      bool // for an owner who does not answer, without end instead of for the client's Timeout

	// Listed are all files of the catalog, default those to download. A file of an earlier download is never replaced
	// by another of them that has the same name on this disk, and unfinished files of theirs are not orphans.
	Listed []catalog.Entry

	// Progress is called about ten times a second, and when a file is done; never by two goroutines at a time. It must
	// not block.
	Progress func(Progress)
}

const maxParallel = 32

// Download downloads files of a catalog into the directory dest, which is made if needed. Nothing is ever written
// outside it. A file is "<name>.<hash>.partial" until all of it has arrived and its SHA-256 is the listed one; a
// download that was interrupted, in whatever way, continues from there. A file that is there already with the listed
// content remains as it is. Directories and files get the usual permissions of the process, files the time that is
// listed.
//
// Two files whose names the disk takes for one (because of case, or Unicode's forms) do not replace each other: the
// later fails with [ErrTwin]. A name that the disk cannot have is [ErrName]. Unfinished parts of older versions of a
// file are removed, and so are directories that were made and are empty in the end.
//
// A file that fails does not stop the others. The error joins all failures, each of which wraps one of this package's
// errors. What would fail for all of them ends the download: [ErrNotShared], [ErrOffline], [ErrDiskFull],
// [ErrReadOnly], the end of ctx.
func (c *Client) Download(
	ctx context.Context, name events.Catalog, entries []catalog.Entry, dest string, o Options,
) (Result, error) {
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
	o.Parallel = min(o.Parallel, maxParallel, max(1, len(entries)))
	if o.Listed == nil {
		o.Listed = entries
	}
	disk := c.seams.disk(root)
	d := &download{
		c: c, catalog: name, origin: origin, root: disk, o: o, places: newPlaces(o.Listed), left: leftovers{root: disk},
	}
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
	places  *places
	left    leftovers

	mu       sync.Mutex
	p        Progress
	reported time.Time
	heard    bool // the owner has answered
	result   Result
	errs     []error
}

// run downloads entries, several at a time.
func (d *download) run(ctx context.Context, entries []catalog.Entry) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan catalog.Entry)
	var wg sync.WaitGroup
	for range d.o.Parallel {
		wg.Go(func() {
			for e := range work {
				err := d.file(ctx, e)
				if err != nil && !isOneOf(err, errStopped, context.Canceled) { // those are not its own failures
					d.mu.Lock()
					d.errs = append(d.errs, fmt.Errorf("%q: %w", e.Path, err))
					d.mu.Unlock()
				}
				if hopeless(err) {
					cancel(errStopped)
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
	d.result.Orphans = d.left.orphans(entries, d.o.Listed)
	return d.result, errors.Join(d.errs...)
}

// errStopped stops the other files when one fails in a way that they would too.
var errStopped = errors.New("the download was stopped")

func hopeless(err error) bool {
	return isOneOf(err, ErrNotShared, ErrOffline, ErrDiskFull, ErrReadOnly, nats.ErrConnectionClosed)
}

// hopelessHere reports whether a file can never be on this disk, so that its partial is of no use.
func hopelessHere(err error) bool { return isOneOf(err, ErrTwin, ErrTooLong) }

// file downloads one file.
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
	if err != nil {
		return err
	}
	if !same {
		p, err := d.openPartial(e)
		if err != nil {
			return d.misplaced(e, err)
		}
		defer p.file.Close()
		same, err = d.present(ctx, m) // another download may have finished before the partial was locked
		if same || err != nil && p.size == 0 {
			err = errors.Join(err, p.discard())
		}
		if err != nil {
			return err
		}
		if !same {
			return d.finish(ctx, p, m)
		}
	}
	m.complete(Result{Skipped: 1})
	return nil
}

// finish makes p whole and gives it its name.
func (d *download) finish(ctx context.Context, p *partial, m *meter) error {
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
			resumed := 0
			if began > 0 {
				resumed = 1
			}
			m.complete(Result{Resumed: resumed})
			return nil
		}
		if err := p.reset(0); err != nil {
			return err
		}
		if began == 0 { // all of it has just arrived
			return errors.Join(ErrHash, p.discard())
		}
		d.c.Logger.Warn("what an earlier download left was damaged; beginning anew", "path", e.Path)
	}
}

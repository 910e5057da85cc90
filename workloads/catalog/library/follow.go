package library

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"natster/internal/supervise"
	"natster/workloads/catalog"
)

// ErrFollowing says that the library is being followed already.
var ErrFollowing = errors.New("library: the directory is being followed already")

// Follow watches the directory and keeps the catalog in step with it, until ctx is done; then it returns nil. It begins
// with a look at everything. A path that something happens to is looked at again once it was left alone for
// Config.Quiet and has the same size and time as then; an event only says where to look, never what is there. A file
// that is written for longer leaves the catalog as [Writing] until it is quiet. Edits of the catalog file are taken
// over. Errors are logged, not returned: Follow goes on.
func (l *Library) Follow(ctx context.Context) error {
	if !l.followed.CompareAndSwap(false, true) {
		return ErrFollowing
	}
	defer l.followed.Store(false)
	f := &follower{
		l: l, pending: make(map[string]*pending), done: make(chan outcome, 1), all: true,
		disks: newDiskCheck(l.cfg.DiskCheck),
		tree:  tree{dir: l.dir, log: l.cfg.Logger, bad: &l.degraded, watched: make(map[string]bool)},
	}
	defer l.degraded.Store(nil)
	if err := f.open(); err != nil {
		l.degraded.Store(&err)
		l.cfg.Logger.Warn("library: following by looking from time to time", "every", l.cfg.Rescan, "err", err)
	} else {
		defer f.tree.w.Close()
	}
	f.run(ctx)
	return nil
}

// A follower is the state of one Follow. All of it belongs to the goroutine of run; looking is done by another, one at
// a time, so that events are taken in while a large file is read.
type follower struct {
	l      *Library
	tree   tree
	events <-chan fsnotify.Event
	errors <-chan error

	pending map[string]*pending // paths that something happened to; [catalogFile] is one
	all     bool                // everything must be looked at
	busy    bool
	done    chan outcome
	lastErr string

	disks diskCheck
}

// catalogFile stands for the catalog file among the pending paths. No path is empty.
const catalogFile = ""

// pending is a path that waits to be quiet.
type pending struct {
	since   time.Time // it is waiting
	touched time.Time // it was last seen to change
	seen    stamp     // what it was then
	writing bool      // it was already taken from the catalog
}

type outcome struct {
	all   bool
	again []string
	err   error
}

// writingAfter is how many quiet intervals a file may be written before it is taken from the catalog.
const writingAfter = 4

func (f *follower) open() error {
	w, err := f.l.cfg.hooks.watch()
	if err != nil {
		return err
	}
	f.tree.w, f.events, f.errors = w, w.Events(), w.Errors()
	if f.l.file != "" {
		err := os.MkdirAll(filepath.Dir(f.l.file), 0o700)
		if err == nil {
			err = w.Add(filepath.Dir(f.l.file))
		}
		if err != nil {
			f.l.cfg.Logger.Warn("library: edits of the catalog file will not be noticed at once", "err", err)
		}
	}
	return nil
}

func (f *follower) run(ctx context.Context) {
	quiet, rescan := f.l.cfg.Quiet, f.l.cfg.Rescan
	tick := time.NewTimer(0) // looks for what has become quiet; only runs while something is pending
	defer tick.Stop()
	timer := time.NewTimer(rescan)
	defer timer.Stop()
	defer f.disks.timer.Stop()
	ticking := true
	for {
		if !f.busy && f.all {
			f.look(ctx, true, []string{"."})
		}
		if !ticking && len(f.pending) > 0 {
			tick.Reset(max(quiet/8, time.Millisecond))
			ticking = true
		}
		select {
		case <-ctx.Done():
			if f.busy {
				<-f.done
			}
			return
		case e, ok := <-f.events:
			if !ok {
				f.events = nil
				continue
			}
			f.event(e)
		case err, ok := <-f.errors:
			if !ok {
				f.errors = nil
				continue
			}
			f.logOnce(err)
		case <-tick.C:
			ticking = false
			if paths := f.quiet(time.Now()); !f.busy && len(paths) > 0 {
				f.look(ctx, false, paths)
			}
		case o := <-f.done:
			f.finish(o)
			if o.all {
				rescan = f.l.cfg.Rescan
				if o.err == nil && f.l.Degraded() == nil {
					rescan *= 10
				}
				timer.Reset(rescan)
			}
		case <-timer.C:
			f.all = true
		case p := <-f.l.suspects:
			f.touch(p)
			f.pending[p].touched = time.Time{} // it is quiet already
		case <-f.disks.timer.C:
			f.disks.start(f.l)
		case c := <-f.disks.done:
			if f.disks.take(c) && !f.all {
				f.tree.drop(".") // the watches of what went are gone
				f.all = true
			}
		}
	}
}

// event notes where something happened.
func (f *follower) event(e fsnotify.Event) {
	if e.Name == f.l.file && f.l.file != "" {
		f.touch(catalogFile)
		return
	}
	rel, err := filepath.Rel(f.tree.dir, e.Name)
	if err != nil || !filepath.IsLocal(rel) {
		return // beside the catalog file
	}
	p := filepath.ToSlash(rel)
	if p == "." {
		if e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
			f.tree.drop(".")
			f.all = true
		}
		return
	}
	if e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) || e.Has(fsnotify.Create) {
		// a look that overtook the event may have added it; the look that this event brings does so rightly
		f.tree.drop(p)
	}
	for name := range strings.SplitSeq(p, "/") {
		if _, out := leaveOut(name); out {
			return
		}
	}
	f.touch(p)
}

func (f *follower) touch(p string) {
	now := time.Now()
	n := f.pending[p]
	if n == nil {
		n = &pending{since: now}
		f.pending[p] = n
	}
	n.touched, n.seen = now, f.lookAt(p)
}

// lookAt is the stamp of what is at p, or the zero stamp. It only serves to see whether that changes.
func (f *follower) lookAt(p string) stamp {
	var fi os.FileInfo
	var err error
	if p == catalogFile {
		fi, err = os.Stat(f.l.file)
	} else {
		fi, err = os.Lstat(f.l.at(p))
	}
	if err != nil {
		return stamp{}
	}
	s := stampOf(fi)
	if fi.IsDir() {
		// those of a directory change with its entries, which have events of their own
		s.size, s.mtime, s.ctime = 0, 0, 0
	}
	return s
}

// quiet returns the pending paths that can be looked at now, and takes them off. While a look is under way it leaves
// them.
func (f *follower) quiet(now time.Time) []string {
	if f.busy {
		return nil
	}
	var ready []string
	for p, n := range f.pending {
		if now.Sub(n.touched) >= f.l.cfg.Quiet {
			if s := f.lookAt(p); s != n.seen {
				n.touched, n.seen = now, s
			} else {
				delete(f.pending, p)
				ready = append(ready, p)
				continue
			}
		}
		if !n.writing && now.Sub(n.since) > writingAfter*f.l.cfg.Quiet {
			n.writing = true
			ready = append(ready, p)
		}
	}
	return ready
}

// look sends a goroutine to look at paths; what it finds comes back to finish.
func (f *follower) look(ctx context.Context, all bool, paths []string) {
	f.busy = true
	if all {
		f.all = false
		f.tree.reset()
	}
	k := look{young: f.l.cfg.Quiet, onDir: f.tree.add}
	k.scope = normalScope(slices.DeleteFunc(paths, func(p string) bool { return p == catalogFile }))
	go func() {
		o := outcome{all: all}
		defer func() { f.done <- o }()
		defer supervise.Contain(f.l.cfg.Logger, &o.err)
		_, o.again, o.err = f.l.update(ctx, k)
	}()
}

func (f *follower) finish(o outcome) {
	f.busy = false
	f.disks.looked(f.l, o.all)
	for _, p := range o.again {
		if f.pending[p] == nil {
			f.touch(p)
			f.pending[p].writing = true
		}
	}
	if o.all {
		if err := f.l.Degraded(); err != nil {
			f.logOnce(err)
		}
	}
	if errors.Is(o.err, catalog.ErrAway) {
		o.err = nil // logged already
	}
	if o.err != nil && !errors.Is(o.err, context.Canceled) {
		f.logOnce(o.err)
	} else if o.all && f.l.Degraded() == nil {
		f.lastErr = ""
	}
}

// logOnce logs an error once, until it is over. When events were lost, everything is looked at.
func (f *follower) logOnce(err error) {
	if errors.Is(err, fsnotify.ErrEventOverflow) {
		f.l.cfg.Logger.Info("library: too much changed at once; looking at everything")
		f.tree.drop(".") // among what was lost may be renames
		f.all = true
		return
	}
	if err.Error() != f.lastErr {
		f.lastErr = err.Error()
		f.l.cfg.Logger.Warn("library: following", "dir", f.tree.dir, "err", err)
	}
}

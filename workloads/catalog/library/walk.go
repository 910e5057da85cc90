package library

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"

	"natster/internal/supervise"
	"natster/workloads/catalog"
)

// A found file is one that belongs into the catalog, as the walk saw it.
type found struct {
	path  string
	stamp stamp
	link  bool
}

// A walker looks at parts of the directory. Directories are read by several goroutines; each file costs one stat.
type walker struct {
	root  *os.Root
	self  string           // the catalog file's own path, if it lies in the directory
	onDir func(dir string) // called before a directory is read, from several goroutines; "." is the root. May be nil
	log   *slog.Logger
	hooks *hooks

	private []fs.FileInfo // directories that are not looked into

	mu      sync.Mutex
	wake    *sync.Cond
	dirs    []string // to be read
	busy    int      // directories being read
	found   []found
	skipped []Skipped
	mounts  []string // directories that something is mounted at, but not "."
	err     error
}

// walk looks at each of scope, a path and all below it, and returns what is there, both sorted by path. What is not
// there, or vanishes meanwhile, is in neither.
func (w *walker) walk(ctx context.Context, scope []string) ([]found, []Skipped, error) {
	w.wake = sync.NewCond(&w.mu)
	var b batch
	for _, p := range scope {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		w.lookAt(&b, p)
	}
	w.add(&b)
	stop := context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.err = ctx.Err()
		w.wake.Broadcast()
	})
	defer stop()
	var wg sync.WaitGroup
	for range min(len(w.dirs), 1) * runtime.GOMAXPROCS(0) {
		wg.Go(w.work)
	}
	wg.Wait()
	w.mu.Lock() // an interrupt may come just now
	err := w.err
	w.mu.Unlock()
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(w.found, func(a, b found) int { return strings.Compare(a.path, b.path) })
	slices.SortFunc(w.skipped, func(a, b Skipped) int { return strings.Compare(a.Path, b.Path) })
	return w.found, w.skipped, nil
}

// A batch is what one goroutine has seen and not yet handed over.
type batch struct {
	dirs    []string
	found   []found
	skipped []Skipped
	mounts  []string
}

func (b *batch) skip(p string, r Reason, detail string) {
	b.skipped = append(b.skipped, Skipped{p, r, detail})
}

func (w *walker) add(b *batch) {
	w.dirs = append(w.dirs, b.dirs...)
	w.found = append(w.found, b.found...)
	w.skipped = append(w.skipped, b.skipped...)
	w.mounts = append(w.mounts, b.mounts...)
}

func (w *walker) work() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		for len(w.dirs) == 0 && w.busy > 0 && w.err == nil {
			w.wake.Wait()
		}
		if len(w.dirs) == 0 || w.err != nil {
			w.wake.Broadcast()
			return
		}
		dir := w.dirs[len(w.dirs)-1]
		w.dirs = w.dirs[:len(w.dirs)-1]
		w.busy++
		w.mu.Unlock()
		var b batch
		err := w.contained(&b, dir)
		w.mu.Lock()
		w.busy--
		w.err = cmp.Or(w.err, err)
		w.add(&b)
		w.wake.Broadcast()
	}
}

// contained is readDir, of which a panic is an error.
func (w *walker) contained(b *batch, dir string) (err error) {
	defer supervise.Contain(w.log, &err)
	w.readDir(b, dir)
	return nil
}

func (w *walker) readDir(b *batch, dir string) {
	if w.onDir != nil {
		w.onDir(dir)
	}
	f, err := w.root.OpenFile(dir, openFlags, 0)
	if err != nil {
		if !isMissing(err) {
			b.skip(dir, Unreadable, reasonOf(err))
		}
		return
	}
	defer f.Close()
	if dir != "." && (isMount(f) || w.hooks.mount(dir)) {
		b.mounts = append(b.mounts, dir)
	}
	list, err := f.ReadDir(-1)
	if err != nil && !isMissing(err) {
		b.skip(dir, Unreadable, reasonOf(err))
	}
	for _, d := range list {
		fi, err := d.Info() // the stat that ReadDir made; a file that vanished is not in the list
		w.take(b, joinPath(dir, d.Name()), d.Name(), fi, err)
	}
}

// lookAt takes one path that an event named, or "." for all. A path below something hidden never gets here.
func (w *walker) lookAt(b *batch, p string) {
	if p == "." {
		b.dirs = append(b.dirs, p)
		return
	}
	fi, err := w.root.Lstat(p)
	w.take(b, p, path.Base(p), fi, err)
}

// take decides what becomes of one name in a directory.
func (w *walker) take(b *batch, p, name string, fi fs.FileInfo, err error) {
	switch {
	case p == w.self:
		return
	case err != nil:
		if !isMissing(err) {
			b.skip(p, Unreadable, reasonOf(err))
		}
		return
	}
	if why, out := leaveOut(name); out {
		b.skip(p, why, "")
		return
	}
	if err := catalog.CheckPath(p); err != nil {
		b.skip(p, BadName, reasonOf(err))
		return
	}
	switch fi.Mode().Type() {
	case 0:
		b.found = append(b.found, found{p, stampOf(fi), false})
	case fs.ModeDir:
		if sameAsOne(fi, w.private) {
			b.skip(p, Private, "")
			return
		}
		b.dirs = append(b.dirs, p)
	case fs.ModeSymlink:
		w.takeLink(b, p)
	default:
		b.skip(p, Special, "")
	}
}

// takeLink lists a symbolic link to a file inside the directory as if it were that file. os.Root does not let it leave.
func (w *walker) takeLink(b *batch, p string) {
	fi, err := w.root.Stat(p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		b.skip(p, DanglingLink, "")
	case errors.Is(err, syscall.ELOOP):
		b.skip(p, DanglingLink, "it leads to itself")
	case err != nil && cannotRead(err):
		b.skip(p, Unreadable, reasonOf(err))
	case err != nil:
		b.skip(p, LeavesRoot, "")
	case fi.IsDir():
		b.skip(p, DirectoryLink, "")
	case !fi.Mode().IsRegular():
		b.skip(p, Special, "")
	default:
		b.found = append(b.found, found{p, stampOf(fi), true})
	}
}

func joinPath(dir, name string) string {
	if dir == "." {
		return name
	}
	return dir + "/" + name
}

func isNotDirectory(err error) bool { return errors.Is(err, syscall.ENOTDIR) }

// reasonOf is err without the path, which stands beside it anyway.
func reasonOf(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err.Error()
	}
	_, why, ok := strings.Cut(err.Error(), catalog.ErrPath.Error()+": ")
	if ok {
		return why
	}
	return err.Error()
}

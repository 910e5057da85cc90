package library

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"natster/internal/supervise"
	"natster/workloads/catalog"
)

// A found file is one that belongs in the catalog, as the walk saw it.
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
	hooks hooks

	private []fs.FileInfo // directories that are not looked into
}

// A batch is what was seen of some directories.
type batch struct {
	dirs    []string // still to be read
	found   []found
	skipped []Skipped
	mounts  []string // directories that something is mounted at, but not "."
}

func (b *batch) skip(p string, r Reason, detail string) {
	b.skipped = append(b.skipped, Skipped{p, r, detail})
}

func (b *batch) add(more batch) {
	b.dirs = append(b.dirs, more.dirs...)
	b.found = append(b.found, more.found...)
	b.skipped = append(b.skipped, more.skipped...)
	b.mounts = append(b.mounts, more.mounts...)
}

// walk looks at each of scope, a path and all below it, and returns what is there, files sorted by path. What is not
// there, or vanishes meanwhile, is not in it.
func (w *walker) walk(ctx context.Context, scope []string) (all batch, err error) {
	for _, p := range scope {
		if err := ctx.Err(); err != nil {
			return batch{}, err
		}
		w.lookAt(&all, p)
	}
	for len(all.dirs) > 0 { // level by level
		dirs := all.dirs
		all.dirs = nil
		seen, errs := make([]batch, len(dirs)), make([]error, len(dirs))
		inParallel(ctx, len(dirs), func() func(int) {
			return func(i int) { errs[i] = w.readDir(&seen[i], dirs[i]) }
		})
		if err := cmp.Or(ctx.Err(), cmp.Or(errs...)); err != nil {
			return batch{}, err
		}
		for _, b := range seen {
			all.add(b)
		}
	}
	slices.SortFunc(all.found, func(a, b found) int { return strings.Compare(a.path, b.path) })
	return all, nil
}

// readDir looks at the names in a directory. A panic is an error.
func (w *walker) readDir(b *batch, dir string) (err error) {
	defer supervise.Contain(w.log, &err)
	if w.onDir != nil {
		w.onDir(dir)
	}
	f, err := w.root.OpenFile(dir, openFlags, 0)
	if err != nil {
		if !isMissing(err) {
			b.skip(dir, Unreadable, reasonOf(err))
		}
		return nil
	}
	defer f.Close()
	if dir != "." && (isMount(f) || w.hooks.disks(dir) != "") {
		b.mounts = append(b.mounts, dir)
	}
	list, err := f.ReadDir(-1)
	if err != nil && !isMissing(err) {
		b.skip(dir, Unreadable, reasonOf(err))
	}
	for _, d := range list {
		fi, err := d.Info() // the stat that ReadDir made; a file that vanished is not in the list
		w.take(b, path.Join(dir, d.Name()), d.Name(), fi, err)
	}
	return nil
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

// reasonOf is err without the path, which stands beside it anyway.
func reasonOf(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err.Error()
	}
	if _, why, ok := strings.Cut(err.Error(), catalog.ErrPath.Error()+": "); ok {
		return why
	}
	return err.Error()
}

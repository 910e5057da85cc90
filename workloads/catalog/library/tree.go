package library

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/fsnotify/fsnotify"
)

// ErrWatchLimit says that the system allows no more watches of directories. Following then goes on by looking at
// everything from time to time.
var ErrWatchLimit = errors.New("the system's limit of watched directories is reached " +
	"(on Linux: raise it with `sudo sysctl fs.inotify.max_user_watches=1000000`)")

// ErrWatchers is [ErrWatchLimit] for the number of programs that watch.
var ErrWatchers = errors.New("the system's limit of programs that watch directories is reached " +
	"(on Linux: raise it with `sudo sysctl fs.inotify.max_user_instances=1024`)")

// A watcher watches directories, not what lies deeper in them. It is fsnotify's, or a test's.
type watcher interface {
	Add(dir string) error
	Remove(dir string) error
	Events() <-chan fsnotify.Event
	Errors() <-chan error
	Close() error
}

type systemWatcher struct{ *fsnotify.Watcher }

func (w systemWatcher) Events() <-chan fsnotify.Event { return w.Watcher.Events }
func (w systemWatcher) Errors() <-chan error          { return w.Watcher.Errors }

func newWatcher() (watcher, error) {
	w, err := fsnotify.NewBufferedWatcher(1024)
	switch {
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return nil, fmt.Errorf("%w: %w", ErrWatchers, err)
	case err != nil:
		return nil, err
	}
	return systemWatcher{w}, nil
}

// A tree watches the whole directory: each directory that a walk enters is added just before it is read, so a file that
// comes later makes an event and one that came earlier is in the list. Renamed directories must be dropped when the
// event says so, before their new name is added: the system watches the directory, not the name, and would report the
// old one.
type tree struct {
	dir string
	log *slog.Logger
	bad *atomic.Pointer[error] // why not everything is watched

	mu      sync.Mutex
	w       watcher         // nil if there is none
	watched map[string]bool // relative directories
	full    bool            // a limit was reached: more would only fail, until reset
}

// reset is called before a walk of everything: perhaps the limit was raised.
func (t *tree) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.full = false
	if t.w != nil {
		t.bad.Store(nil)
	}
}

// add watches a directory. It may be called from several goroutines.
func (t *tree) add(dir string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.w == nil || t.full || t.watched[dir] {
		return
	}
	err := t.w.Add(filepath.Join(t.dir, filepath.FromSlash(dir)))
	switch {
	case err == nil:
		t.watched[dir] = true
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EMFILE):
		err = fmt.Errorf("%w; %d directories are watched", ErrWatchLimit, len(t.watched))
		t.full = true
		t.bad.Store(&err)
	case isMissing(err): // it went meanwhile, and an event says so
	default:
		err = fmt.Errorf("watch %q: %w", dir, err)
		t.bad.Store(&err)
		t.log.Warn("library: a directory cannot be watched", "dir", dir, "err", err)
	}
}

// drop ends the watches of what was a directory at path, and of all below it.
func (t *tree) drop(path string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.w == nil || !t.watched[path] {
		return
	}
	for dir := range t.watched {
		if dir == path || strings.HasPrefix(dir, path+"/") || path == "." {
			delete(t.watched, dir)
			// Of a directory that was removed the system has dropped the watch itself, and says so here.
			_ = t.w.Remove(filepath.Join(t.dir, filepath.FromSlash(dir)))
		}
	}
}

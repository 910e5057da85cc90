package library

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// follow starts following, and stops when the test ends.
func (s *testLibrary) follow() (stop func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	l := s.Library
	go func() { done <- l.Follow(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
	})
	s.t.Cleanup(stop)
	return stop
}

// until waits for a fact about the library. The deadline is for a fact that never comes.
func (s *testLibrary) until(what string, fact func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	for {
		changes := s.Changes()
		if fact() {
			return
		}
		select {
		case <-changes:
		case <-ctx.Done():
			s.t.Fatalf("never: %s; the catalog lists %q; left out: %v", what, s.paths(), s.Skipped())
		}
	}
}

func (s *testLibrary) untilLists(want string) {
	s.t.Helper()
	s.until("the catalog lists "+want, func() bool { return s.paths() == want })
}

func TestFollow(t *testing.T) {
	s := newLibrary(t)
	s.put("was here/a", "a")
	stop := s.follow()
	s.untilLists("was here/a")
	revision := s.Revision()

	s.put("new", "new")
	s.untilLists("new was here/a")
	if s.Revision() <= revision {
		t.Error("the revision did not grow")
	}
	s.put("deep/er/file", "1")
	s.untilLists("deep/er/file new was here/a")
	s.put("deep/er/file", "2, changed")
	s.until("new content", func() bool { return s.holds("deep/er/file", "2, changed") })
	s.put("deep/er/second", "2")
	s.untilLists("deep/er/file deep/er/second new was here/a")
	s.move("new", "old")
	s.untilLists("deep/er/file deep/er/second old was here/a")
	s.move("deep/er", "moved")
	s.untilLists("moved/file moved/second old was here/a")
	s.put("moved/third", "3") // the watch went with the directory
	s.put("moved/sub/x", "x")
	s.untilLists("moved/file moved/second moved/sub/x moved/third old was here/a")
	s.remove("moved")
	s.untilLists("old was here/a")
	s.put("moved/again", "4")
	s.untilLists("moved/again old was here/a")
	s.remove("old")
	s.untilLists("moved/again was here/a")

	stop()
	s.reopen()
	s.lists("moved/again was here/a") // the catalog file followed
}

func TestFollowDirectoriesMovedInAndOut(t *testing.T) {
	s := newLibrary(t)
	outside := filepath.Join(filepath.Dir(s.Dir()), "outside")
	for i := range 200 {
		s.put(fmt.Sprintf("box/%d/file", i), fmt.Sprint(i))
	}
	s.put("z", "z")
	s.follow()
	s.until("all is listed", func() bool { return len(s.Contents().Entries) == 201 })
	s.do(s.Describe("box/7/file", "seven"))
	s.do(os.Rename(s.path("box"), outside))
	s.untilLists("z")
	s.do(os.WriteFile(filepath.Join(outside, "7", "unseen"), nil, 0o644)) // nobody's business now
	s.do(os.Rename(outside, s.path("back")))
	s.until("all is back", func() bool { return len(s.Contents().Entries) == 202 })
	if e, _ := s.entry("back/7/file"); e.Description != "seven" {
		t.Errorf("%+v", e)
	}
	s.put("back/150/more", "more") // and followed again
	s.until("what came later", func() bool { return s.holds("back/150/more", "more") })
	s.move("back", ".hidden")
	s.untilLists("z")
	s.put(".hidden/1/file", "secret")
	s.put("zz", "zz")
	s.untilLists("z zz")
}

func TestFollowLeavesOutWhatIsStillWritten(t *testing.T) {
	s := newLibrary(t)
	s.follow()
	f, err := os.Create(s.path("film"))
	s.do(err)
	defer f.Close()
	stop, stopped := make(chan struct{}), make(chan int)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				stopped <- n
				return
			default:
				f.WriteAt([]byte{'x'}, int64(n%1000))
			}
		}
	}()
	s.until("it is known to be written", func() bool { return s.reason("film") == Writing })
	close(stop)
	n := min(<-stopped, 1000)
	s.until("it is listed", func() bool { return s.holds("film", strings.Repeat("x", n)) && s.reason("film") == "" })
}

func TestFollowEditorsAndDownloaders(t *testing.T) {
	s := newLibrary(t)
	s.put("text.md", "one")
	s.follow()
	s.untilLists("text.md")
	s.do(s.Describe("text.md", "kept"))
	s.put(".text.md.swp", "x") // Vim
	s.put("4913", "")
	s.remove("4913")
	s.move("text.md", "text.md~")
	s.put("text.md", "two")
	s.remove("text.md~")
	s.put("film.mkv.part", "half")
	s.put("film.mkv.part", "half and half")
	s.move("film.mkv.part", "film.mkv")
	s.put("text.md.tmp", "three") // an atomic save
	s.move("text.md.tmp", "text.md")
	s.until("the last state", func() bool {
		return s.holds("text.md", "three") &&
			s.holds("film.mkv", "half and half")
	})
	s.lists("film.mkv text.md")
	if e, _ := s.entry("text.md"); e.Description != "kept" {
		t.Errorf("%+v", e)
	}
}

func TestFollowARenameWhileItIsRead(t *testing.T) {
	var s *testLibrary
	once := sync.OnceFunc(func() { s.move("a", "b") })
	s = newLibrary(t, func(c *Config) {
		c.hooks = hooks{onOpen: func(p string) {
			if p == "a" {
				once()
			}
		}}
	})
	s.follow()
	s.put("a", "content")
	s.untilLists("b")
	if !s.holds("b", "content") {
		t.Error(s.Contents())
	}
}

func TestFollowLinks(t *testing.T) {
	s := newLibrary(t)
	s.put("file", "one")
	s.do(os.Symlink("file", s.path("link")))
	s.do(os.Symlink("later", s.path("dangling")))
	s.follow()
	s.untilLists("file link")
	s.put("file", "other")
	s.until("the link follows its target", func() bool { return s.holds("link", "other") })
	s.put("later", "x")
	s.untilLists("dangling file later link")
	s.remove("file")
	s.untilLists("dangling later")
	if s.reason("link") != DanglingLink {
		t.Error(s.Skipped())
	}
}

func TestFollowEditsOfTheCatalogFile(t *testing.T) {
	s := newLibrary(t)
	s.put("a.txt", "one")
	s.follow()
	s.untilLists("a.txt")
	other := &testLibrary{t: t, cfg: s.cfg} // another process: `natster catalog describe`
	s.until("the catalog file is written", func() bool {
		_, err := os.Stat(s.cfg.File)
		return err == nil
	})
	other.reopen()
	s.do(other.Describe("a.txt", "described elsewhere"))
	revision := s.Revision()
	s.until("the description is known", func() bool {
		e, _ := s.entry("a.txt")
		return e.Description == "described elsewhere"
	})
	if s.Revision() <= revision {
		t.Error("the revision did not grow")
	}
	s.put("b.txt", "two")
	s.untilLists("a.txt b.txt")
	if e, _ := s.entry("a.txt"); e.Description != "described elsewhere" {
		t.Errorf("%+v", e)
	}
}

func TestFollowThousands(t *testing.T) {
	s := newLibrary(t)
	s.follow()
	const n = 2000
	for i := range n {
		s.put(fmt.Sprintf("%d/%d/%d", i%7, i%40, i), fmt.Sprint(i))
	}
	s.until("all is listed", func() bool { return len(s.Contents().Entries) == n })
	for i := range 40 {
		s.remove(fmt.Sprintf("3/%d", i))
		s.do(os.MkdirAll(s.path("all"), 0o755))
		if from := s.path(fmt.Sprintf("4/%d", i)); i%2 == 0 {
			os.Rename(from, s.path(fmt.Sprintf("all/%d", i)))
		}
	}
	want := make(map[string]string)
	s.do(filepath.WalkDir(s.Dir(), func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(s.Dir(), p)
		want[filepath.ToSlash(rel)] = d.Name()
		return err
	}))
	s.until("the catalog is what the directory is", func() bool {
		if len(s.Contents().Entries) != len(want) {
			return false
		}
		for p, content := range want {
			if !s.holds(p, content) {
				return false
			}
		}
		return true
	})
}

// A fakeWatcher says what a test makes it say.
type fakeWatcher struct {
	events chan fsnotify.Event
	errors chan error
	limit  int

	mu    sync.Mutex
	added int
}

func newFakeWatcher(limit int) *fakeWatcher {
	return &fakeWatcher{events: make(chan fsnotify.Event), errors: make(chan error), limit: limit}
}

func (w *fakeWatcher) Add(string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.added == w.limit {
		return syscall.ENOSPC
	}
	w.added++
	return nil
}
func (w *fakeWatcher) Remove(string) error           { return nil }
func (w *fakeWatcher) Events() <-chan fsnotify.Event { return w.events }
func (w *fakeWatcher) Errors() <-chan error          { return w.errors }
func (w *fakeWatcher) Close() error                  { return nil }

func TestLostEventsMakeFollowLookAtEverything(t *testing.T) {
	w := newFakeWatcher(1000)
	s := newLibrary(t, func(c *Config) { c.hooks = hooks{watch: func() (watcher, error) { return w, nil }} })
	s.put("a", "a")
	s.follow()
	s.untilLists("a")
	s.put("b/c", "c") // of which no event tells
	w.errors <- fsnotify.ErrEventOverflow
	s.untilLists("a b/c")
	s.remove("a")
	w.events <- fsnotify.Event{Name: s.path("a"), Op: fsnotify.Remove}
	s.untilLists("b/c")
}

func TestAtTheWatchLimitFollowLooksFromTimeToTime(t *testing.T) {
	for name, open := range map[string]func() (watcher, error){
		"too many directories": func() (watcher, error) { return newFakeWatcher(3), nil },
		"too many programs": func() (watcher, error) {
			return nil,
				fmt.Errorf("%w: %w", ErrWatchers, syscall.EMFILE)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newLibrary(t, func(c *Config) { c.Rescan, c.hooks = testQuiet, hooks{watch: open} })
			for i := range 10 {
				s.put(fmt.Sprintf("%d/file", i), "x")
			}
			stop := s.follow()
			s.until("all is listed", func() bool { return len(s.Contents().Entries) == 10 })
			s.put("9/late", "x")
			s.until("what no event tells of", func() bool { return s.holds("9/late", "x") })
			if err := s.Degraded(); !(errors.Is(err, ErrWatchLimit) || errors.Is(err, ErrWatchers)) ||
				!strings.Contains(err.Error(), "sysctl") {
				t.Errorf("Degraded: %v", err)
			}
			stop()
			if err := s.Degraded(); err != nil {
				t.Errorf("Degraded after Follow: %v", err)
			}
		})
	}
}

func TestFollowWhenTheDirectoryGoesAndComesBack(t *testing.T) {
	s := newLibrary(t, func(c *Config) { c.Rescan = testQuiet })
	s.put("a", "a")
	s.follow()
	s.untilLists("a")
	s.do(os.Rename(s.Dir(), s.Dir()+".away"))
	s.do(os.MkdirAll(s.Dir()+".new", 0o755))
	s.do(os.WriteFile(s.Dir()+".new/b", []byte("b"), 0o644))
	s.do(os.Rename(s.Dir()+".new", s.Dir()))
	s.untilLists("b")
	s.put("sub/c", "c") // the new one is watched
	s.untilLists("b sub/c")
}

func TestOnlyOneFollows(t *testing.T) {
	s := newLibrary(t)
	s.put("a", "a")
	s.follow()
	s.untilLists("a")
	if err := s.Follow(t.Context()); !errors.Is(err, ErrFollowing) {
		t.Error(err)
	}
	s.scan() // but anybody may scan meanwhile
	s.lists("a")
}

func TestFollowRenamesOfDirectoriesInARow(t *testing.T) {
	s := newLibrary(t)
	for i := range 20 {
		s.put(fmt.Sprintf("0/%d/file", i), fmt.Sprint(i))
	}
	s.follow()
	s.until("all is listed", func() bool { return s.holds("0/19/file", "19") })
	for i := range 50 { // while looks are under way
		s.put(fmt.Sprintf("%d/%d/at %d", i, i%20, i), "x")
		s.move(fmt.Sprint(i), fmt.Sprint(i+1))
		if i%10 == 9 {
			s.until("the new name", func() bool { return s.holds(fmt.Sprintf("%d/19/file", i+1), "19") })
		}
	}
	s.until("all is where it is", func() bool {
		return s.holds("50/19/file", "19") && s.holds("50/9/at 49", "x") && len(s.Contents().Entries) == 70
	})
	for i := range 20 { // every directory is watched under its last name
		s.put(fmt.Sprintf("50/%d/last", i), "last")
	}
	s.until("what came last", func() bool { return len(s.Contents().Entries) == 90 })
}

func TestFollowHardLinks(t *testing.T) {
	s := newLibrary(t)
	s.put("file", "one")
	s.put("other", "two")
	s.do(os.Mkdir(s.path("dir"), 0o755))
	s.do(os.Link(s.path("file"), s.path("dir/same")))
	s.follow()
	s.untilLists("dir/same file other")
	s.put("file", "changed in place")
	s.until("its other name has the content as well", func() bool {
		return s.holds("file", "changed in place") && s.holds("dir/same", "changed in place")
	})
	if !s.holds("other", "two") {
		t.Error("a file of its own has changed too")
	}
}

func TestTheCatalogFileOfAnotherDirectoryIsLeftAlone(t *testing.T) {
	s := newLibrary(t)
	s.put("a.txt", "one")
	s.follow()
	s.untilLists("a.txt")
	s.until("the catalog file is written", func() bool {
		_, err := os.Stat(s.cfg.File)
		return err == nil
	})
	s.do(os.Remove(s.cfg.File))
	other := &testLibrary{t: t, cfg: s.cfg} // another process: `natster catalog rm`, then `natster catalog new`
	other.cfg.Dir = t.TempDir()
	s.do(os.WriteFile(filepath.Join(other.cfg.Dir, "b.txt"), []byte("two"), 0o600))
	other.reopen()
	other.scan()
	s.put("c.txt", "three")
	s.until("it is known that the catalog is elsewhere", s.Elsewhere)
	s.untilLists("a.txt c.txt")
	if _, dir, err := ReadFile(s.cfg.File); err != nil || dir != other.Dir() {
		t.Errorf("the new catalog file was written over: it is about %s (%v)", dir, err)
	}
}

package library

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"natster/workloads/catalog"
)

func TestADiskOfWhichNoEventTellsIsNoticed(t *testing.T) {
	s, m := mounted(t)
	w := newFakeWatcher(1000)
	s.Library.cfg.hooks.watch = func() (watcher, error) { return w, nil }
	m.set(".", "usb.1")
	s.put("a", "a")
	s.put("b", "b")
	s.follow()
	s.untilLists("a b")
	mount := s.unmount(m, ".")
	s.until("it is away", func() bool { return s.away() == ". 2" })
	mount()
	s.until("it is back", func() bool { return s.away() == "" })
	s.lists("a b")
}

func TestADiskThatGoesDuringALookIsAway(t *testing.T) {
	s, m := mounted(t)
	m.set(".", "usb.1")
	s.put("dir/a", "a")
	s.put("dir/b", "b")
	s.put("x", "x")
	s.scan()
	goes := sync.OnceFunc(func() {
		m.set(".", "")
		s.remove("dir")
		s.remove("x")
	})
	_, _, err := s.update(t.Context(), look{scope: []string{"dir"}, onDir: func(string) { goes() }})
	if !errors.Is(err, catalog.ErrAway) {
		t.Errorf("the look says %v", err)
	}
	s.lists("dir/a dir/b x")
	s.isAway(". 3")
}

func TestARemovedFileIsReadNoFurther(t *testing.T) {
	s := newLibrary(t, func(c *Config) { c.Quiet = time.Hour }) // no look comes first
	s.put("a", "a")
	s.scan()
	s.follow()
	f, err := s.OpenFile(hashOf("a"))
	s.do(err)
	defer f.Close()
	s.remove("a")
	if err := f.Check(); !errors.Is(err, catalog.ErrChanged) {
		t.Errorf("one that was removed: %v", err)
	}
}

func TestAFollowedCatalogWhoseFileIsRemovedStaysRemoved(t *testing.T) {
	s := newLibrary(t)
	s.put("a", "a")
	s.scan()
	stop := s.follow()
	s.do(os.Remove(s.cfg.File))
	s.put("b", "b")
	s.untilLists("a b")
	if _, err := os.Stat(s.cfg.File); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file of a catalog that was forgotten is back (%v)", err)
	}
	stop()
	s.scan() // somebody asks for it
	if _, err := os.Stat(s.cfg.File); err != nil {
		t.Error(err)
	}
}

// merging compares files with what is listed, as a look at everything does.
func merging(listed []record, files ...found) *merge {
	prev := newSnapshot(document{records: listed}, sight{})
	m := &merge{prev: prev, in: covered(prev, []string{"."}), departed: new(departed)}
	m.compare(files, 0, time.Unix(1e9, 0))
	return m
}

func TestWithoutATimeOfChangeNothingIsTakenForARename(t *testing.T) {
	one := entryAt("one.mp3")
	one.stamp = stamp{size: 7, mtime: 1e18, inode: 12}
	if m := merging([]record{one}, found{path: "two.mp3", stamp: one.stamp}); len(m.toRead) != 1 {
		t.Error("a new file that has an old one's inode, size and time is taken for it")
	}
	one.stamp.ctime = 1e18
	if m := merging([]record{one}, found{path: "two.mp3", stamp: one.stamp}); len(m.toRead) != 0 {
		t.Error("a file in a directory that was renamed is read again")
	}
	if m := merging([]record{one}, found{path: "two.txt", stamp: one.stamp}); len(m.toRead) != 1 {
		t.Error("a file whose name has another ending keeps its type unseen")
	}
}

func TestAFileWhoseReadingFailsStaysListed(t *testing.T) {
	was := entryAt("a")
	was.Size = 7
	for reason, stays := range map[Reason]int{Unreadable: 1, Special: 0, Writing: 0} {
		m := merging([]record{was}, found{path: "a", stamp: stamp{size: 8}}, found{path: "new", stamp: stamp{size: 8}})
		for i := range m.toRead {
			m.toRead[i].refuse(reason, "input/output error")
		}
		if doc, skipped := m.result(); len(doc.records) != stays || len(skipped) != 2 {
			t.Errorf("%s: %d files are listed and %d said to be left out", reason, len(doc.records), len(skipped))
		}
	}
}

func TestTroubleWithTheCatalogFileSaysTheSameEachTime(t *testing.T) {
	s := newLibrary(t)
	s.put("a", "a")
	s.scan()
	s.do(os.Remove(s.cfg.File))
	s.do(os.MkdirAll(filepath.Join(s.cfg.File, "in the way"), 0o700)) // it cannot have its name
	_, first := writeDocument(s.cfg.File, s.Dir(), s.snap.Load())
	_, again := writeDocument(s.cfg.File, s.Dir(), s.snap.Load())
	if first == nil || first.Error() != again.Error() {
		t.Errorf("one trouble is said as two:\n%v\n%v", first, again)
	}
	s.do(os.RemoveAll(filepath.Dir(s.cfg.File)))
	s.do(os.WriteFile(filepath.Dir(s.cfg.File), nil, 0o600)) // no file can be made there
	s.put("b", "b")
	if _, err := s.Scan(t.Context()); err == nil || strings.Count(err.Error(), s.cfg.File) != 1 ||
		strings.Contains(err.Error(), ".films") {
		t.Errorf("it does not say what cannot be written: %v", err)
	}
}

func TestWhatStandsInThePlaceOfADiskThatIsGoneForGoodIsServed(t *testing.T) {
	s, m := mounted(t)
	w := newFakeWatcher(1000) // no event tells of what is on a disk that is mounted
	s.Library.cfg.hooks.watch = func() (watcher, error) { return w, nil }
	m.set("disk", "usb.1")
	s.put("disk/a", "a")
	s.put("x", "x")
	s.follow()
	s.untilLists("disk/a x")
	s.unmount(m, "disk")
	s.until("the disk is away", func() bool { return s.away() == "disk 1" })
	s.put("disk/other", "o")
	m.set("disk", "sdcard.1")
	s.until("the other disk is seen", func() bool { return s.snap.Load().seen["disk"] == "sdcard.1" })
	other := &testLibrary{t: t, cfg: s.cfg} // `natster catalog rescan --accept-empty`
	other.reopen()
	_, err := other.ScanAccepting(t.Context())
	s.do(err)
	other.lists("disk/other x")
	w.events <- fsnotify.Event{Name: s.file, Op: fsnotify.Create}
	s.untilLists("disk/other x")
	s.isAway("")
}

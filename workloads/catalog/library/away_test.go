package library

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"natster/internal/test/wait"
	"natster/workloads/catalog"
)

// mounts plays disks that come and go: a directory that is listed in it is one's root.
type mounts struct {
	mu sync.Mutex
	at map[string]disk
}

func (m *mounts) set(path string, d disk) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at == nil {
		m.at = make(map[string]disk)
	}
	m.at[path] = d
}

func (m *mounts) disk(path string) disk {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at[path]
}

// mounted is a library in whose directory disks come and go.
func mounted(t *testing.T) (*testLibrary, *mounts) {
	m := new(mounts)
	s := newLibrary(t, func(c *Config) { c.DiskCheck, c.hooks = testQuiet, hooks{disks: m.disk} })
	return s, m
}

// unmount takes what is in the directory at p away, and returns what brings it back.
func (s *testLibrary) unmount(m *mounts, p string) (mount func()) {
	s.t.Helper()
	was := m.disk(p)
	m.set(p, "")
	elsewhere := s.Dir() + " elsewhere"
	s.do(os.Rename(s.path(p), elsewhere))
	s.do(os.Mkdir(s.path(p), 0o755))
	return func() {
		s.t.Helper()
		s.do(os.RemoveAll(s.path(p)))
		s.do(os.Rename(elsewhere, s.path(p)))
		m.set(p, was)
	}
}

func (s *testLibrary) away() string {
	var all []string
	for _, a := range s.Away() {
		all = append(all, fmt.Sprintf("%s %d", a.Path, a.Files))
	}
	return strings.Join(all, ", ")
}

func (s *testLibrary) isAway(want string) {
	s.t.Helper()
	if got := s.away(); got != want {
		s.t.Errorf("away is %q, not %q", got, want)
	}
}

func (s *testLibrary) scanFails(want error) {
	s.t.Helper()
	if _, err := s.Scan(s.t.Context()); !errors.Is(err, want) {
		s.t.Errorf("the scan says %v", err)
	}
}

func (s *testLibrary) described(p string) string {
	e, _ := s.entry(p)
	return e.Description
}

func TestADiskThatIsAwayKeepsItsList(t *testing.T) {
	s, m := mounted(t)
	m.set(".", "usb.1")
	for i := range 40 {
		s.put(fmt.Sprintf("%02d", i), fmt.Sprint(i))
	}
	s.scan()
	s.do(s.Describe("07", "the one with the goat"))
	mount := s.unmount(m, ".")
	s.scanFails(catalog.ErrAway)
	s.isAway(". 40")
	if len(s.Contents().Entries) != 40 || s.described("07") == "" {
		t.Error("the list went with the disk")
	}
	if _, err := s.OpenFile(hashOf("7")); !errors.Is(err, catalog.ErrAway) || errors.Is(err, catalog.ErrChanged) {
		t.Errorf("a file of it: %v", err)
	}
	s.put("README", "nothing is mounted here") // on the mount point
	s.reopen()                                 // a computer that starts before its disk
	s.scanFails(catalog.ErrAway)
	s.isAway(". 40")
	if _, ok := s.entry("README"); ok {
		t.Error("what lies on the mount point is listed")
	}
	mount()
	if r := s.scan(); r.Hashed != 0 || r.Away != 0 || s.described("07") == "" {
		t.Errorf("with the disk back: %+v", r)
	}
	s.isAway("")
}

func TestAnotherDiskInItsPlaceIsNotShared(t *testing.T) {
	s, m := mounted(t)
	m.set(".", "usb.1")
	s.put("a", "a")
	s.put("b", "b")
	s.scan()
	s.unmount(m, ".")
	m.set(".", "other.1")
	for i := range 50 {
		s.put(fmt.Sprintf("private %d", i), "x")
	}
	s.scanFails(catalog.ErrAway)
	s.lists("a b")
	if _, err := s.ScanAccepting(t.Context()); err != nil {
		t.Error(err)
	}
	if len(s.Contents().Entries) != 50 {
		t.Error("its owner said that it is to be taken")
	}
	m.set(".", "usb.7") // the same disk under another name, as after a restart
	s.scan()
	s.isAway("")
}

func TestAnEmptiedDirectoryIsBelievedWhenItsOwnerSaysSo(t *testing.T) {
	s := newLibrary(t)
	for i := range 60 {
		s.put(fmt.Sprintf("%02d", i), fmt.Sprint(i))
	}
	s.scan()
	for i := range 58 {
		s.remove(fmt.Sprintf("%02d", i))
	}
	s.scanFails(catalog.ErrAway) // nearly everything
	if len(s.Contents().Entries) != 60 {
		t.Error("the list was emptied")
	}
	r, err := s.ScanAccepting(t.Context())
	if err != nil || r.Removed != 58 || r.Away != 0 {
		t.Errorf("%+v %v", r, err)
	}
	s.lists("58 59")
	s.scan()
	s.remove("58") // not nearly everything
	s.scan()
	s.lists("59")
	s.do(os.RemoveAll(s.Dir()))
	s.scanFails(catalog.ErrAway)
	s.lists("59")
	s.reopen() // needs no directory
	s.lists("59")
	if _, err := s.ScanAccepting(t.Context()); err != nil {
		t.Error(err)
	}
	s.lists("")
}

func TestTheRunningServerHearsThatADiskIsGoneForGood(t *testing.T) {
	s := newLibrary(t, func(c *Config) { c.DiskCheck = testQuiet })
	s.put("a", "a")
	s.put("b", "b")
	s.follow()
	s.untilLists("a b")
	s.do(os.Rename(s.Dir(), s.Dir()+" elsewhere"))
	s.until("it is away", func() bool { return s.away() == ". 2" })
	other := &testLibrary{t: t, cfg: s.cfg} // natster catalog rescan --accept-empty
	other.reopen()
	if _, err := other.ScanAccepting(t.Context()); err != nil {
		t.Error(err)
	}
	s.untilLists("")
	s.do(os.Rename(s.Dir()+" elsewhere", s.Dir()))
	s.untilLists("a b")
}

func TestADiskInTheDirectory(t *testing.T) {
	s, m := mounted(t)
	m.set("disk", "usb.1")
	s.put("disk/a", "a")
	s.put("disk/b/c", "c")
	for i := range 5 {
		s.put(fmt.Sprintf("own/%d", i), fmt.Sprint(i))
	}
	s.put("x", "x")
	s.scan()
	mount := s.unmount(m, "disk")
	s.remove("own/4")
	r := s.scan() // the rest goes on
	s.isAway("disk 2")
	if r.Away != 2 || r.Files != 7 {
		t.Errorf("%+v", r)
	}
	s.reopen()
	s.scan()
	s.isAway("disk 2")
	if _, err := s.OpenFile(hashOf("c")); !errors.Is(err, catalog.ErrAway) {
		t.Errorf("a file of it: %v", err)
	}
	mount()
	if r := s.scan(); r.Away != 0 || r.Hashed != 0 || r.Files != 7 {
		t.Errorf("with the disk back: %+v", r)
	}
	s.remove("disk/b") // from a disk that is there
	s.scan()
	s.lists("disk/a own/0 own/1 own/2 own/3 x")
	s.remove("own") // a directory, and no disk
	s.scan()
	s.lists("disk/a x")
}

func TestFollowADiskThatGoesAndComesBack(t *testing.T) {
	for _, at := range []string{".", "disk"} {
		t.Run(at, func(t *testing.T) {
			s, m := mounted(t)
			m.set(at, "usb.1")
			s.put("disk/a", "a")
			s.put("disk/b", "b")
			s.follow()
			s.untilLists("disk/a disk/b")
			mount := s.unmount(m, at)
			s.until("it is away", func() bool { return s.away() == at+" 2" })
			s.lists("disk/a disk/b")
			mount()
			s.until("it is back", func() bool { return s.away() == "" })
			s.put("disk/new", "new") // and watched again
			s.untilLists("disk/a disk/b disk/new")
		})
	}
}

func TestWhatIsDeletedWhileItIsFollowedIsGone(t *testing.T) {
	s := newLibrary(t)
	s.put("a", "a")
	s.put("b", "b")
	s.follow()
	s.untilLists("a b")
	s.remove("a")
	s.untilLists("b")
	s.remove("b") // the last: the system tells of it
	s.untilLists("")
	s.isAway("")
}

func TestWhatCannotBeReadStaysListed(t *testing.T) {
	if os.Geteuid() == 0 { // whom no rights stop: the rule alone
		prev := newSnapshot(document{records: []record{entryAt("a/1"), entryAt("a/2"), entryAt("b"), entryAt("c")}},
			sight{})
		got := withheld(prev, []Skipped{{"a", Unreadable, "input/output error"}, {"b", Unreadable, ""},
			{"c", Hidden, ""}, {"d", Unreadable, ""}})
		if len(got) != 2 || got[0].Path != "a" || got[0].Files != 2 || got[1].Path != "b" {
			t.Errorf("%+v", got)
		}
		return
	}
	s := newLibrary(t, func(c *Config) { c.DiskCheck = testQuiet })
	s.put("a/1", "1")
	s.put("a/2", "2")
	s.put("b", "b")
	s.scan()
	s.do(os.Chmod(s.path("a"), 0))
	s.do(os.Chmod(s.path("b"), 0))
	defer os.Chmod(s.path("a"), 0o755)
	r := s.scan()
	s.lists("a/1 a/2 b")
	s.isAway("a 2")
	if _, err := s.OpenFile(hashOf("1")); !errors.Is(err, catalog.ErrAway) {
		t.Errorf("a file in it: %v", err)
	}
	if r.Away != 2 || s.reason("a") != Unreadable || s.reason("b") != Unreadable {
		t.Errorf("%+v %v", r, s.Skipped())
	}
	s.do(os.Chmod(s.path("a"), 0o755))
	s.scan()
	s.isAway("")
}

func TestADownloadFromADiskThatWentJustNow(t *testing.T) {
	s, m := mounted(t)
	m.set(".", "usb.1")
	s.put("a", "a")
	s.scan()
	f, err := s.OpenFile(hashOf("a"))
	s.do(err)
	defer f.Close()
	f.(*file).rest()
	mount := s.unmount(m, ".") // and nobody has looked
	if _, err := s.OpenFile(hashOf("a")); !errors.Is(err, catalog.ErrAway) || errors.Is(err, catalog.ErrChanged) {
		t.Errorf("a new download: %v", err)
	}
	if err := f.Check(); !errors.Is(err, catalog.ErrAway) || errors.Is(err, catalog.ErrChanged) {
		t.Errorf("one that runs: %v", err)
	}
	mount()
	if err := f.Check(); err != nil {
		t.Errorf("when it is back: %v", err)
	}
}

func entryAt(p string) record {
	var r record
	r.Path = p
	return r
}

func TestNothingIsKeptOpen(t *testing.T) {
	s := newLibrary(t)
	s.put("a", "a")
	s.follow()
	s.untilLists("a")
	f, err := s.OpenFile(hashOf("a"))
	s.do(err)
	defer f.Close()
	s.do(func() error { _, err := f.ReadAt(make([]byte, 1), 0); return err }())
	f.(*file).rest() // as after a while
	open := func() (what []string) {
		list, _ := os.ReadDir("/proc/self/fd") // where there is none nothing can be told
		for _, d := range list {
			if to, err := os.Readlink(filepath.Join("/proc/self/fd", d.Name())); err == nil &&
				strings.HasPrefix(to, s.Dir()) {
				what = append(what, to)
			}
		}
		return what
	}
	wait.Eventually(t, "no file stays open", func() bool { return len(open()) == 0 }) // the look may not have ended
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, 0); err != nil || string(b) != "a" || f.Check() != nil {
		t.Errorf("read again: %q %v", b, err)
	}
	f.(*file).rest()
	s.do(os.Rename(s.path("a"), s.path("b")))
	s.put("a", "b")
	if _, err := f.ReadAt(b, 0); !errors.Is(err, catalog.ErrChanged) {
		t.Errorf("another file came out: %q %v", b, err)
	}
}

// retouch changes a file as a tag editor does that keeps the size and puts the time back.
func (s *testLibrary) retouch(p, content string) {
	s.t.Helper()
	fi, err := os.Stat(s.path(p))
	s.do(err)
	f, err := os.OpenFile(s.path(p), os.O_WRONLY, 0)
	s.do(err)
	_, err = f.WriteString(content)
	s.do(errors.Join(err, f.Close(), os.Chtimes(s.path(p), time.Time{}, fi.ModTime())))
}

func TestATagEditorThatPutsTheTimeBackIsNoticed(t *testing.T) {
	s := newLibrary(t)
	s.put("song", "old")
	s.do(os.Chtimes(s.path("song"), time.Time{}, time.Unix(1577934245, 0)))
	s.scan()
	s.retouch("song", "new")
	s.scan()
	if !s.holds("song", "new") {
		t.Error("the scan believed the time")
	}
	s.follow()
	s.retouch("song", "NEW")
	s.until("it is noticed", func() bool { return s.holds("song", "NEW") })
}

func TestAnInodeThatIsUsedAgainIsNoRename(t *testing.T) {
	s := newLibrary(t)
	then := time.Unix(1577934245, 0)
	s.put("one", "content one")
	s.do(os.Chtimes(s.path("one"), time.Time{}, then))
	s.scan()
	s.move("one", "two") // the surest way to have the inode again
	s.retouch("two", "CONTENT two")
	s.scan()
	if !s.holds("two", "CONTENT two") {
		t.Error("the new file has the old one's hash")
	}
	s.do(s.Describe("two", "kept"))
	s.move("two", "three")
	if r := s.scan(); r.Hashed != 1 || s.described("three") != "kept" {
		t.Errorf("a file renamed: %+v", r)
	}
}

func TestNewRightsEndNoReading(t *testing.T) {
	s := newLibrary(t)
	s.put("a", "a")
	s.follow()
	s.untilLists("a")
	revision := s.Revision()
	f, err := s.OpenFile(hashOf("a"))
	s.do(err)
	defer f.Close()
	for _, mode := range []os.FileMode{0o600, 0o644, 0o640} {
		s.do(os.Chmod(s.path("a"), mode))
		if err := f.Check(); err != nil {
			t.Fatalf("it changed, says %v", err)
		}
	}
	fi, err := os.Stat(s.path("a"))
	s.do(err)
	wait.Eventually(t, "the new mode is known", func() bool { _, known := s.stampAt("a"); return known == stampOf(fi) })
	if err := f.Check(); err != nil || s.Revision() != revision {
		t.Errorf("read again: %v", err)
	}
	s.retouch("a", "b")
	s.until("it is noticed", func() bool { return s.holds("a", "b") })
	if err := f.Check(); !errors.Is(err, catalog.ErrChanged) {
		t.Errorf("other content, and %v", err)
	}
}

func TestWhatADownloadFindsChangedIsReadAgain(t *testing.T) {
	w := newFakeWatcher(1000) // nobody tells of anything
	s := newLibrary(t, func(c *Config) { c.hooks = hooks{watch: func() (watcher, error) { return w, nil }} })
	s.put("a", "a")
	s.put("b", "b")
	s.follow()
	s.untilLists("a b")
	s.put("a", "another")
	s.remove("b")
	for _, was := range []string{"a", "b"} {
		if _, err := s.OpenFile(hashOf(was)); !errors.Is(err, catalog.ErrChanged) {
			t.Errorf("%s: %v", was, err)
		}
	}
	s.until("the list is right", func() bool { return s.holds("a", "another") && s.paths() == "a" })
}

func TestACatalogFileFromBeforeTheTimeOfChange(t *testing.T) {
	s := newLibrary(t)
	s.put("plain", "one")
	s.put("dated", "two")
	s.do(os.Chtimes(s.path("dated"), time.Time{}, time.Unix(1577934245, 0)))
	s.scan()
	s.do(s.Describe("dated", "kept"))
	d := s.snap.Load().full()
	for i := range d.records {
		d.records[i].stamp.ctime = 0
	}
	s.do(s.publish(d, sight{}, inside))
	data, err := os.ReadFile(s.cfg.File)
	s.do(err)
	s.do(os.WriteFile(s.cfg.File, []byte(strings.ReplaceAll(string(data), `.0"}`, `"}`)), 0o600))
	s.retouch("dated", "TWO")
	s.reopen()
	if r := s.scan(); r.Hashed != 1 || !s.holds("dated", "TWO") || s.described("dated") != "kept" {
		t.Errorf("%+v", r)
	}
	if r := s.scan(); r.Hashed != 0 {
		t.Errorf("%+v", r)
	}
}

func TestDotsThatHideNothing(t *testing.T) {
	s := newLibrary(t)
	for _, p := range []string{"...Like Clockwork/1", "..But Seriously/1", "...And Justice.flac",
		".5 The Gray Chapter/1", ".git/config", "x"} {
		s.put(p, p)
	}
	s.scan()
	s.lists("...And Justice.flac ...Like Clockwork/1 ..But Seriously/1 x")
	out := s.LeftOut()
	if len(out) != 1 || out[0].Reason != Hidden || out[0].Count != 2 ||
		out[0].Examples[0].Path != ".5 The Gray Chapter" {
		t.Errorf("%+v", out)
	}
}

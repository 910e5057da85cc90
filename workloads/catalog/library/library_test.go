package library

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"natster/events"
	"natster/workloads/catalog"
)

// A testLibrary is a library over a directory of its own, for one test.
type testLibrary struct {
	*Library
	t   testing.TB
	cfg Config
}

const testQuiet = 20 * time.Millisecond

func newLibrary(t testing.TB, change ...func(*Config)) *testLibrary {
	t.Helper()
	s := &testLibrary{t: t, cfg: Config{
		Dir: t.TempDir(), File: filepath.Join(t.TempDir(), "films.json"), Name: catalogName(t, "films"),
		Quiet:  testQuiet,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}}
	for _, f := range change {
		f(&s.cfg)
	}
	s.reopen()
	return s
}

// reopen is a restart.
func (s *testLibrary) reopen() {
	s.t.Helper()
	l, err := Open(context.Background(), s.cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	s.Library = l
}

func (s *testLibrary) path(p string) string { return filepath.Join(s.Dir(), filepath.FromSlash(p)) }

func (s *testLibrary) put(p, content string) {
	s.t.Helper()
	s.do(os.MkdirAll(filepath.Dir(s.path(p)), 0o755))
	s.do(os.WriteFile(s.path(p), []byte(content), 0o644))
}

func (s *testLibrary) do(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *testLibrary) move(from, to string) { s.t.Helper(); s.do(os.Rename(s.path(from), s.path(to))) }
func (s *testLibrary) remove(p string)      { s.t.Helper(); s.do(os.RemoveAll(s.path(p))) }

func (s *testLibrary) scan() Report {
	s.t.Helper()
	r, err := s.Scan(s.t.Context())
	s.do(err)
	return r
}

// paths is the whole catalog on one line.
func (s *testLibrary) paths() string {
	var p []string
	for _, e := range s.Contents().Entries {
		p = append(p, e.Path)
	}
	return strings.Join(p, " ")
}

func (s *testLibrary) lists(want string) {
	s.t.Helper()
	if got := s.paths(); got != want {
		s.t.Errorf("the catalog lists %q, not %q", got, want)
	}
}

// entry is the entry at p, if there is one.
func (s *testLibrary) entry(p string) (catalog.Entry, bool) {
	now := s.snap.Load()
	i, ok := now.at(p)
	if !ok {
		return catalog.Entry{}, false
	}
	return now.entries[i], true
}

// holds reports whether the entry at p has this content.
func (s *testLibrary) holds(p, content string) bool {
	e, ok := s.entry(p)
	return ok && e.Hash == sha256.Sum256([]byte(content)) && e.Size == int64(len(content))
}

func (s *testLibrary) reason(p string) Reason {
	for _, k := range s.Skipped() {
		if k.Path == p {
			return k.Reason
		}
	}
	return ""
}

func (s *testLibrary) modified(p string) int64 {
	fi, err := os.Stat(s.path(p))
	s.do(err)
	return fi.ModTime().Unix()
}

func hashOf(content string) events.Hash { return sha256.Sum256([]byte(content)) }

func TestScanListsTheDirectory(t *testing.T) {
	s := newLibrary(t)
	s.put("b.txt", "two")
	s.put("a/b/c.mp3", "three")
	s.put("a.txt", "one")
	s.put("empty", "")
	s.put("copy.txt", "one")
	r := s.scan()
	s.lists("a.txt a/b/c.mp3 b.txt copy.txt empty")
	if r.Files != 5 || r.Added != 5 || r.Hashed != 5 || r.Bytes != 14 || r.HashedBytes != 14 || r.Skipped != 0 {
		t.Errorf("%+v", r)
	}
	want := catalog.Entry{Path: "a.txt", MIMEType: "text/plain", Size: 3, Hash: hashOf("one"),
		Modified: s.modified("a.txt")}
	if e, _ := s.entry("a.txt"); e != want {
		t.Errorf("%+v", e)
	}
	if e, ok := s.Hash(hashOf("one")); !ok || e.Path != "a.txt" {
		t.Errorf("of two files with one content: %+v", e)
	}
	if !s.holds("empty", "") {
		t.Error("the empty file is not as it should be")
	}
}

func TestRescanReadsOnlyWhatChanged(t *testing.T) {
	s := newLibrary(t)
	for i := range 2000 {
		s.put(fmt.Sprintf("%02d/%d.txt", i%50, i), fmt.Sprint(i))
	}
	if r := s.scan(); r.Hashed != 2000 {
		t.Fatalf("%+v", r)
	}
	revision := s.Revision()
	again := func(want Report) {
		t.Helper()
		r := s.scan()
		want.Files, want.Bytes, want.Elapsed = r.Files, r.Bytes, r.Elapsed
		if r != want {
			t.Errorf("%+v", r)
		}
	}
	again(Report{})
	s.reopen()
	again(Report{})
	if s.Revision() != revision {
		t.Error("the revision grew and nothing had changed")
	}
	s.put("07/7.txt", "other")
	again(Report{Changed: 1, Hashed: 1, HashedBytes: 5})
	s.move("08", "renamed")
	again(Report{Added: 40, Renamed: 40, Removed: 40})
	s.remove("09")
	again(Report{Removed: 40})
	s.do(os.Chtimes(s.path("10/10.txt"), time.Time{}, time.Now().Add(-time.Hour)))
	revision = s.Revision()
	again(Report{Hashed: 1, HashedBytes: 2})
	if s.Revision() <= revision {
		t.Error("the revision did not grow for a new time of modification, which is listed")
	}
	again(Report{})
	s.reopen()
	again(Report{})
}

func TestRevisionOnlyGrows(t *testing.T) {
	s := newLibrary(t)
	last := s.Revision()
	if now := time.Now().Unix(); last < now-60 || last > now {
		t.Errorf("a new catalog has revision %d", last)
	}
	future := time.Now().Add(time.Hour).Unix() // the clock was set back since
	l := s.snap.Load().full()
	l.revision = future
	s.do(s.publish(l, sight{}, listed))
	for i := range 3 {
		s.put("a", fmt.Sprint(i, "x"))
		s.scan()
		s.reopen()
		if now := s.Revision(); now <= last || now <= future {
			t.Errorf("revision %d after %d", now, last)
		}
		last = s.Revision()
	}
}

func TestTheRevisionOfAnOlderCatalogFileIsTakenInSeconds(t *testing.T) {
	d, err := parseDocument([]byte(`{"name":"films","revision":1767225600000,"entries":[]}`))
	if err != nil || d.revision != 1767225600 {
		t.Errorf("revision %d, %v", d.revision, err)
	}
}

func TestDescriptionsSurvive(t *testing.T) {
	s := newLibrary(t)
	s.put("a.txt", "one")
	s.put("b.txt", "two")
	s.put("c.txt", "three")
	s.scan()
	s.do(s.Describe("", "All of them"))
	s.do(s.Describe("a.txt", "The \"first\" & <best>\x1b"))
	s.do(s.Describe(hashOf("two").Short(), "The second"))
	s.do(s.Describe("c.txt", "The third"))
	if err := s.Describe("d.txt", "x"); !errors.Is(err, catalog.ErrNotFound) {
		t.Error(err)
	}
	s.move("b.txt", "renamed.txt")     // follows the file
	s.put("a.txt", "other")            // stays with the path
	s.do(os.Mkdir(s.path("d"), 0o755)) //
	s.put("d/c.txt", "three")          // moved from one file system to another: a new file,
	s.remove("c.txt")                  // and the old one goes
	s.scan()
	s.reopen()
	s.scan()
	want := map[string]string{"a.txt": `The "first" & <best>`, "renamed.txt": "The second", "d/c.txt": "The third"}
	for _, e := range s.Contents().Entries {
		if want[e.Path] != e.Description {
			t.Errorf("%+v", e)
		}
	}
	if got := s.Contents().Description; got != "All of them" {
		t.Error(got)
	}
}

func TestTheOwnerEditsTheCatalogFile(t *testing.T) {
	s := newLibrary(t)
	s.put("a.txt", "one")
	s.scan()
	revision := s.Revision()
	data, err := os.ReadFile(s.cfg.File)
	s.do(err)
	edited := strings.Replace(string(data), `"a.txt","description":""`, `"a.txt","description":"edited"`, 1)
	s.do(os.WriteFile(s.cfg.File, []byte(edited), 0o644))
	s.put("b.txt", "two")
	s.scan() // writes, and must not lose the edit
	s.reopen()
	if e, _ := s.entry("a.txt"); e.Description != "edited" || s.Revision() <= revision {
		t.Errorf("%+v", e)
	}
	s.do(os.WriteFile(s.cfg.File, []byte(edited[:40]), 0o644)) // saved by mistake
	s.put("c.txt", "three")
	if _, err := s.Scan(t.Context()); !errors.Is(err, ErrCatalogFile) {
		t.Errorf("a broken file gives %v", err)
	}
	s.lists("a.txt b.txt c.txt")
	if now, _ := os.ReadFile(s.cfg.File); string(now) != edited[:40] {
		t.Error("the owner's broken file was overwritten")
	}
	s.do(os.Remove(s.cfg.File))
	s.scan()
	s.reopen()
	s.lists("a.txt b.txt c.txt")
}

func TestOpenFileGivesOnlyWhatWasHashed(t *testing.T) {
	s := newLibrary(t)
	s.put("a.txt", "one")
	s.put("b/a.txt", "one")
	s.scan()
	f, err := s.OpenFile(hashOf("one"))
	s.do(err)
	defer f.Close()
	if got, err := io.ReadAll(io.NewSectionReader(f, 0, 10)); string(got) != "one" || err != nil ||
		f.(*file).entry.Path != "a.txt" || f.Check() != nil {
		t.Error(string(got), err, f.(*file).entry)
	}
	s.do(os.WriteFile(s.path("a.txt"), []byte("longer"), 0o644))
	if err := f.Check(); !errors.Is(err, catalog.ErrChanged) {
		t.Errorf("changed under the reader: %v", err)
	}
	other, err := s.OpenFile(hashOf("one")) // the other copy is still good
	s.do(err)
	if other.(*file).entry.Path != "b/a.txt" {
		t.Errorf("%+v", other.(*file).entry)
	}
	s.remove("b")
	if _, err := s.OpenFile(hashOf("one")); !errors.Is(err, catalog.ErrChanged) {
		t.Errorf("all changed or gone: %v", err)
	}
	if _, err := s.OpenFile(hashOf("none")); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("never listed: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir, name := t.TempDir(), catalogName(t, "films")
	file := filepath.Join(t.TempDir(), "f.json")
	write := func(s string) string {
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for what, tc := range map[string]struct {
		cfg  Config
		want error
	}{
		"no directory":        {Config{Name: name}, ErrDirectory},
		"a missing directory": {Config{Name: name, Dir: filepath.Join(dir, "missing")}, ErrDirectory},
		"a file":              {Config{Name: name, Dir: write("x")}, ErrDirectory},
		"no name":             {Config{Dir: dir}, nil},
		"garbage":             {Config{Dir: dir, File: write("x")}, ErrCatalogFile},
		"another's file":      {Config{Dir: dir, Name: name, File: write(`{"name":"music"}`)}, ErrCatalogFile},
	} {
		if what == "another's file" {
			write(`{"name":"music"}`)
		} else if what == "garbage" {
			write("x")
		}
		l, err := Open(t.Context(), tc.cfg)
		if err == nil || (tc.want != nil && !errors.Is(err, tc.want)) {
			t.Errorf("%s: %v, %v", what, l, err)
		}
	}
}

func TestAMissingDirectoryForgetsNothing(t *testing.T) {
	s := newLibrary(t)
	s.put("a.txt", "one")
	s.scan()
	s.do(os.Rename(s.Dir(), s.Dir()+".away")) // a disk that is not mounted
	if _, err := s.Scan(t.Context()); !errors.Is(err, catalog.ErrAway) {
		t.Error(err)
	}
	s.lists("a.txt")
	s.do(os.Mkdir(s.Dir(), 0o755)) // and another in its place
	s.put("b.txt", "two")
	s.scan()
	s.lists("b.txt")
	s.do(os.RemoveAll(s.Dir()))
	s.do(os.Rename(s.Dir()+".away", s.Dir()))
	if r := s.scan(); r.Renamed != 1 {
		t.Errorf("the file that came back was read again: %+v", r)
	}
	s.lists("a.txt")
}

func TestReadersSeeWholeStates(t *testing.T) {
	s := newLibrary(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 50 {
			s.put("a.txt", strings.Repeat("x", i))
			s.put(fmt.Sprintf("b/%d.txt", i), "b")
			s.Scan(t.Context())
		}
	}()
	var last int64
	for {
		c := s.Contents()
		if c.Revision < last || !slices.IsSortedFunc(c.Entries,
			func(a, b catalog.Entry) int { return strings.Compare(a.Path, b.Path) }) {
			t.Fatal("a state that never was")
		}
		last = c.Revision
		for _, e := range c.Entries {
			if e.Path == "a.txt" && e.Hash != hashOf(strings.Repeat("x", int(e.Size))) {
				t.Fatal("an entry that never was")
			}
		}
		s.Skipped()
		s.entry("a.txt")
		if f, err := s.OpenFile(hashOf("b")); err == nil {
			f.Close()
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

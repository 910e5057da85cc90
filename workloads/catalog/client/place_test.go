package client_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"natster/internal/test/catalogtest"
	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
)

// foldingDisk is a directory on a disk that takes names for the same that differ in case or form only, as a Mac's or
// Windows' does, has no links, and cannot hold some names.
type foldingDisk struct {
	*os.Root
	refusal error // of names with a colon
}

// real is name as the disk has it already, as far as it is there.
func (d *foldingDisk) real(name string) string {
	at := "."
	for _, want := range strings.Split(name, "/") {
		f, err := d.Root.Open(at)
		if err == nil {
			there, _ := f.Readdirnames(-1)
			_ = f.Close()
			for _, n := range there {
				if client.Folded(n) == client.Folded(want) {
					want = n
					break
				}
			}
		}
		at = path.Join(at, want)
	}
	return at
}

func (d *foldingDisk) making(op, name string) error {
	if strings.Contains(name, ":") {
		return &fs.PathError{Op: op, Path: name, Err: d.refusal}
	}
	return nil
}

func (d *foldingDisk) Stat(name string) (fs.FileInfo, error)  { return d.Root.Stat(d.real(name)) }
func (d *foldingDisk) Lstat(name string) (fs.FileInfo, error) { return d.Root.Lstat(d.real(name)) }
func (d *foldingDisk) Open(name string) (*os.File, error)     { return d.Root.Open(d.real(name)) }
func (d *foldingDisk) Remove(name string) error               { return d.Root.Remove(d.real(name)) }
func (d *foldingDisk) Link(o, n string) error {
	return &os.LinkError{Op: "link", Old: o, New: n, Err: syscall.EPERM}
}
func (d *foldingDisk) Chtimes(name string, a, m time.Time) error {
	return d.Root.Chtimes(d.real(name), a, m)
}
func (d *foldingDisk) OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	if flag&os.O_CREATE != 0 {
		if err := d.making("openat", name); err != nil {
			return nil, err
		}
	}
	return d.Root.OpenFile(d.real(name), flag, perm)
}
func (d *foldingDisk) Mkdir(name string, perm fs.FileMode) error {
	if err := d.making("mkdirat", name); err != nil {
		return err
	}
	return d.Root.Mkdir(d.real(name), perm)
}
func (d *foldingDisk) Rename(o, n string) error {
	if err := d.making("renameat", n); err != nil {
		return err
	}
	return d.Root.Rename(d.real(o), d.real(n))
}

func folding(refusal error) func(*os.Root) client.Disk {
	return func(r *os.Root) client.Disk { return &foldingDisk{r, refusal} }
}

const cafeNFC, cafeNFD = "Caf\u00e9.txt", "Cafe\u0301.txt"

func TestTwoNamesThatAreOneOnTheDiskDoNotReplaceEachOther(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	paths := []string{
		"README.txt", "readme.txt", "Photos/a.jpg", "photos/b.jpg", "Photos/c.jpg", "photos/C.JPG",
		cafeNFC, cafeNFD, "other.txt", "dot.", "dot",
	}
	content := make(map[string][]byte)
	var all []catalog.Entry
	for i, p := range paths {
		content[p] = catalogtest.Content(1000, byte(i)) // as long as each other: only the content differs
		all = append(all, w.Library.Add(p, content[p]))
	}
	// what is where: one of each pair, whole, and the others
	check := func(t *testing.T, dir string) {
		t.Helper()
		n := 0
		err := filepath.WalkDir(dir, func(p string, f fs.DirEntry, err error) error {
			if err != nil || f.IsDir() {
				return err
			}
			n++
			rel, _ := filepath.Rel(dir, p)
			got, err := os.ReadFile(p)
			for q, want := range content {
				if client.Folded(q) == client.Folded(rel) && string(got) == string(want) {
					return err
				}
			}
			t.Errorf("%q is none of the files that were listed", rel)
			return err
		})
		if err != nil || n != 7 {
			t.Errorf("%d files are there, %v", n, err)
		}
	}
	for _, parallel := range []int{1, 8} {
		dir := t.TempDir()
		for range 2 { // the second time with what the first wrote
			for _, overwrite := range []bool{false, true} {
				c := bob(t, w)
				c.OnDisk(folding(syscall.EINVAL))
				o := client.Options{Parallel: parallel, Overwrite: overwrite}
				r, err := c.Download(t.Context(), films, all, dir, o)
				if r.Files != 7 || !errors.Is(err, client.ErrTwin) ||
					strings.Count(err.Error(), client.ErrTwin.Error()) != 4 {
					t.Fatalf("parallel %d, overwrite %v: %+v, %v", parallel, overwrite, r, err)
				}
				check(t, dir)
			}
		}
	}

	// Asked for one by one, from the other end: what is there stays.
	dir := t.TempDir()
	one := func(path string, overwrite bool) error {
		c := bob(t, w)
		c.OnDisk(folding(syscall.EINVAL))
		e, err := catalog.Contents{Entries: all}.Find(path)
		if err != nil {
			t.Fatal(err)
		}
		o := client.Options{Overwrite: overwrite, Listed: all}
		_, err = c.Download(t.Context(), films, []catalog.Entry{e}, dir, o)
		return err
	}
	for _, pair := range [][2]string{
		{"readme.txt", "README.txt"}, {cafeNFD, cafeNFC}, {"photos/C.JPG", "Photos/c.jpg"},
	} {
		if err := one(pair[0], false); err != nil {
			t.Fatal(err)
		}
		for _, overwrite := range []bool{false, true} {
			if err := one(pair[1], overwrite); !errors.Is(err, client.ErrTwin) {
				t.Fatalf("%q: %v", pair[1], err)
			}
		}
		expectFile(t, dir, pair[0], content[pair[0]])
		if err := one(pair[0], true); err != nil {
			t.Fatal(err)
		}
	}
	// An older version of what is there may be replaced by the newer, and not by the twin.
	if err := os.WriteFile(filepath.Join(dir, "readme.txt"), []byte("older"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := one("README.txt", true); !errors.Is(err, client.ErrTwin) {
		t.Fatal(err)
	}
	expectFile(t, dir, "readme.txt", []byte("older"))
	if err := one("readme.txt", true); err != nil {
		t.Fatal(err)
	}
	expectFile(t, dir, "readme.txt", content["readme.txt"])
}

func TestTwoNamesStayTwoFilesWhereTheDiskTellsThemApart(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	dir := t.TempDir()
	var all []catalog.Entry
	for i, p := range []string{"README.txt", "readme.txt", cafeNFC, cafeNFD, "Photos/a", "photos/a"} {
		all = append(all, w.Library.Add(p, catalogtest.Content(100, byte(i))))
	}
	for range 2 {
		r, err := bob(t, w).Download(t.Context(), films, all, dir, client.Options{Overwrite: true})
		if err != nil || r.Files != 6 {
			t.Fatal(r, err)
		}
	}
	for i, e := range all {
		expectFile(t, dir, e.Path, catalogtest.Content(100, byte(i)))
	}
}

func TestAFileAndADirectoryThatAreOneOnTheDisk(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	file := w.Library.Add("Photos", catalogtest.Content(100, 1))
	below := w.Library.Add("photos/a.jpg", catalogtest.Content(100, 2))
	for _, order := range [][]catalog.Entry{{file, below}, {below, file}} {
		c, dir := bob(t, w), t.TempDir()
		c.OnDisk(folding(syscall.EINVAL))
		r, err := c.Download(t.Context(), films, order, dir, client.Options{Parallel: 1, Overwrite: true})
		if r.Files != 1 || !errors.Is(err, client.ErrTwin) {
			t.Fatalf("%+v, %v", r, err)
		}
	}
}

// Windows would write file:ads into another file, and take the dots and spaces off a name's end.
func TestANameThatTheSystemCannotHoldIsToldApart(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	var all []catalog.Entry
	for i, p := range []string{"good.txt", "good.txt:ads", "trailing.", "space /a.txt", "aux.mp3"} {
		all = append(all, w.Library.Add(p, catalogtest.Content(100, byte(i))))
	}
	c, dir := bob(t, w), t.TempDir()
	c.OnSystem("windows")
	r, err := c.Download(t.Context(), films, all, dir, client.Options{})
	if r.Files != 1 || strings.Count(err.Error(), client.ErrName.Error()) != 4 {
		t.Fatalf("%+v, %v", r, err)
	}
	expectOnly(t, dir, "good.txt")
	c, dir = bob(t, w), t.TempDir()
	c.OnSystem("linux")
	if r, err := c.Download(t.Context(), films, all, dir, client.Options{}); r.Files != 5 || err != nil {
		t.Fatalf("%+v, %v", r, err)
	}
}

func TestANameThatTheDiskCannotHoldIsToldApart(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	var all []catalog.Entry
	for i, p := range []string{"a:b.txt", "c:d/e.txt", "deep/f:g/h.txt", "good.txt"} {
		all = append(all, w.Library.Add(p, catalogtest.Content(100, byte(i))))
	}
	for _, refusal := range []error{syscall.EINVAL, syscall.ENAMETOOLONG, syscall.EPERM} {
		c, dir := bob(t, w), t.TempDir()
		c.OnDisk(folding(refusal))
		r, err := c.Download(t.Context(), films, all, dir, client.Options{})
		if r.Files != 1 || strings.Count(err.Error(), client.ErrName.Error()) != 3 {
			t.Fatalf("%v: %+v, %v", refusal, r, err)
		}
		expectOnly(t, dir, "good.txt")
		if _, err := os.Stat(filepath.Join(dir, "deep")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a directory is left, with nothing in it: %v", err)
		}
	}
}

func TestADownloadThatFailsLeavesNoDirectories(t *testing.T) {
	w := catalogtest.Start(t)
	_, stop := w.Serve(t)
	e := w.Library.Add("some/deep/a.mp4", catalogtest.Content(100, 1))
	w.Library.Change(e.Hash)
	parent := t.TempDir()
	dir := filepath.Join(parent, "not", "there")
	if _, err := download(t, bob(t, w), dir, e); !errors.Is(err, catalog.ErrChanged) {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := download(t, bob(t, w), dir, e); !errors.Is(err, client.ErrOffline) {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Fatal(left, err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "some"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := download(t, bob(t, w), dir, e); !errors.Is(err, client.ErrOffline) {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "some")); err != nil || len(left) > 0 {
		t.Fatal("a directory that was there is gone, or what was made is not: ", left, err)
	}
}

func TestAFileKeepsItsTime(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	content := catalogtest.Content(3*chunk, 1)
	e := w.Library.Add("photo.jpg", content)
	e.Modified = 1565157904
	unknown := w.Library.Add("unknown.jpg", catalogtest.Content(100, 2))
	dir, began := t.TempDir(), time.Now().Add(-time.Minute)
	if _, err := download(t, bob(t, w), dir, e, unknown); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(filepath.Join(dir, "photo.jpg")); err != nil || fi.ModTime().Unix() != e.Modified {
		t.Fatal(fi.ModTime(), err)
	}
	if fi, err := os.Stat(filepath.Join(dir, "unknown.jpg")); err != nil || fi.ModTime().Before(began) {
		t.Fatal(fi.ModTime(), err)
	}
}

func TestTheUnfinishedPartOfAnOlderVersionGoes(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	dir, long := t.TempDir(), strings.Repeat("x", 250)
	var older, all []catalog.Entry
	for i, p := range []string{"a.mp4", "dir/" + long} {
		old := w.Library.Add(p, catalogtest.Content(2*chunk, byte(i)))
		older = append(older, old)
		all = append(all, w.Library.Replace(p, catalogtest.Content(2*chunk, byte(10+i))))
	}
	gone := catalog.Entry{Path: "dir/gone.mp4", Size: 5, Hash: older[0].Hash}
	elsewhere := catalog.Entry{Path: "else/where.mp4", Size: 5, Hash: older[0].Hash}
	waiting := w.Library.Add("dir/waiting.mp4", catalogtest.Content(100, 20))
	for _, e := range append(older, gone, elsewhere, waiting) {
		p := filepath.Join(dir, client.PartialName(e))
		err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o700), os.WriteFile(p, []byte("begun"), 0o600))
		if err != nil {
			t.Fatal(err)
		}
	}
	mine := filepath.Join(dir, "mine.partial")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := bob(t, w).Download(t.Context(), films, all, dir, client.Options{Listed: append(all, waiting)})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Orphans) != 1 || r.Orphans[0] != client.PartialName(gone) {
		t.Errorf("named: %q", r.Orphans)
	}
	expectOnly(t, dir, "a.mp4", "dir/"+long, client.PartialName(gone),
		client.PartialName(elsewhere), client.PartialName(waiting), "mine.partial")
}

func TestADiskThatCannotBeWrittenToIsSaidOnce(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	var all []catalog.Entry
	for i := range 50 {
		all = append(all, w.Library.Add(string(rune('a'+i))+"x", catalogtest.Content(100, byte(i))))
	}
	c, dir := bob(t, w), t.TempDir()
	c.OnDisk(func(r *os.Root) client.Disk { return readOnlyDisk{r} })
	_, err := c.Download(context.Background(), films, all, dir, client.Options{Parallel: 1})
	if !errors.Is(err, client.ErrReadOnly) || strings.Count(err.Error(), client.ErrReadOnly.Error()) != 1 {
		t.Fatal(err)
	}
	expectOnly(t, dir)
}

type readOnlyDisk struct{ *os.Root }

func (readOnlyDisk) OpenFile(name string, _ int, _ fs.FileMode) (*os.File, error) {
	return nil, &fs.PathError{Op: "openat", Path: name, Err: syscall.EROFS}
}

// Two files that the disk takes for one are downloaded one after the other: the later is not even asked for.
func TestTheTwinOfAFileThatIsBeingDownloadedWaits(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	first := w.Library.Add("README.txt", catalogtest.Content(100, 1))
	twin := w.Library.Add("readme.txt", catalogtest.Content(100, 2))
	all := []catalog.Entry{first, twin}
	for i := range 20 { // which the third worker downloads while the first waits
		all = append(all, w.Library.Add(fmt.Sprintf("other-%d.txt", i), catalogtest.Content(100, byte(10+i))))
	}
	var begun atomic.Int32 // of the two, of which either may have the first turn
	others := make(chan struct{})
	goOn := sync.OnceFunc(func() { close(others) })
	for _, e := range []catalog.Entry{first, twin} {
		begin := sync.OnceFunc(func() { begun.Add(1) }) // a chunk that is late is asked for, and read, again
		w.Library.OnRead(e.Hash, func(int64) error { begin(); <-others; return nil })
	}
	w.Library.OnRead(all[len(all)-1].Hash, func(int64) error { goOn(); return nil })
	c, dir := bob(t, w), t.TempDir()
	c.OnDisk(folding(syscall.EINVAL))
	r, err := c.Download(t.Context(), films, all, dir, client.Options{Parallel: 3, Overwrite: true})
	if !errors.Is(err, client.ErrTwin) || r.Files != len(all)-1 {
		t.Fatal(r, err)
	}
	if n := begun.Load(); n != 1 {
		t.Errorf("%d of the two were read", n)
	}
}

// What another download has written meanwhile is checked before it is replaced.
func TestAFileOfAConcurrentDownloadIsNotReplacedByItsTwin(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	late := w.Library.Add("README.txt", catalogtest.Content(100, 1))
	twin := w.Library.Add("readme.txt", catalogtest.Content(100, 2))
	begun, goOn := make(chan struct{}), make(chan struct{})
	w.Library.OnRead(late.Hash, func(int64) error {
		close(begun)
		<-goOn
		return nil
	})
	dir := t.TempDir()
	start := func(e catalog.Entry) error {
		c := bob(t, w)
		c.OnDisk(folding(syscall.EINVAL))
		o := client.Options{Overwrite: true, Listed: []catalog.Entry{late, twin}}
		_, err := c.Download(t.Context(), films, []catalog.Entry{e}, dir, o)
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- start(late) }()
	<-begun
	if err := start(twin); err != nil {
		t.Fatal(err)
	}
	close(goOn)
	if err := <-ended; !errors.Is(err, client.ErrTwin) {
		t.Fatal(err)
	}
	expectFile(t, dir, twin.Path, catalogtest.Content(100, 2))
}

// An unfinished part that another download is writing is not tidied away, and no orphan.
func TestTheUnfinishedPartOfADownloadThatRunsStays(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	old := w.Library.Add("a.mp4", catalogtest.Content(chunk, 1))
	begun, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.Library.OnRead(old.Hash, func(int64) error {
		once.Do(func() { close(begun) })
		<-goOn
		return nil
	})
	dir := t.TempDir()
	ended := make(chan error, 1)
	go func() {
		_, err := download(t, bob(t, w), dir, old)
		ended <- err
	}()
	<-begun
	next := w.Library.Add("b.mp4", catalogtest.Content(chunk, 2))
	next.Path = old.Path // the catalog's a.mp4 is this now
	r, err := download(t, bob(t, w), dir, next)
	if err != nil || len(r.Orphans) > 0 {
		t.Fatal(r.Orphans, err)
	}
	expectOnly(t, dir, "a.mp4", client.PartialName(old))
	close(goOn)
	if err := <-ended; !errors.Is(err, client.ErrExists) {
		t.Fatal(err)
	}
	expectFile(t, dir, "a.mp4", catalogtest.Content(chunk, 2))
}

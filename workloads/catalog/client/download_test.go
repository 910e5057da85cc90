package client_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"natster/events"
	"natster/functions/api"
	"natster/internal/test/catalogtest"
	"natster/internal/test/wait"
	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
	"natster/workloads/catalog/server"
)

const chunk = 16 << 10

var films = catalogtest.Films

func bob(t testing.TB, w *catalogtest.World, change ...func(*client.Config)) *client.Client {
	c := client.Config{
		Conn: w.Bob.Conn(t), Account: w.Bob.Key, ChunkSize: chunk, ReadChunk: chunk, Timeout: wait.Patience,
	}
	for _, f := range change {
		f(&c)
	}
	return client.New(c)
}

func expectFile(t testing.TB, dir, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(dir, path))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%s: %d bytes, not the %d that were served", path, len(got), len(want))
	}
}

// expectOnly fails unless dir holds the files given and nothing else.
func expectOnly(t testing.TB, dir string, want ...string) {
	t.Helper()
	var got []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			got = append(got, rel)
		}
		return err
	})
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("in the directory: %q, want %q (%v)", got, want, err)
	}
}

func download(t testing.TB, c *client.Client, dir string, entries ...catalog.Entry) (client.Result, error) {
	t.Helper()
	return c.Download(t.Context(), films, entries, dir, client.Options{})
}

func TestBobDownloadsWhatAliceShares(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	sizes := []int{0, 1, chunk - 1, chunk, chunk + 1, 3*chunk + 7, 50 * chunk}
	for _, n := range sizes {
		w.Library.Add(fmt.Sprintf("some/dir %d/file-%d.mp4", n%3, n), catalogtest.Content(n, byte(n)))
	}
	c := bob(t, w)
	contents, err := c.List(t.Context(), films)
	if err != nil {
		t.Fatal(err)
	}
	if len(contents.Entries) != len(sizes) {
		t.Fatalf("%d entries listed", len(contents.Entries))
	}
	dir := t.TempDir()
	var last client.Progress
	o := client.Options{Progress: func(p client.Progress) { last = p }}
	r, err := c.Download(t.Context(), films, contents.Entries, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Files != len(sizes) || r.Skipped != 0 || r.Bytes != contents.Size() {
		t.Fatalf("%+v", r)
	}
	if last.FilesDone != len(sizes) || last.AllDone != contents.Size() || last.All != last.AllDone {
		t.Fatalf("%+v", last)
	}
	for _, n := range sizes {
		expectFile(t, dir, fmt.Sprintf("some/dir %d/file-%d.mp4", n%3, n), catalogtest.Content(n, byte(n)))
	}
	r, err = c.Download(t.Context(), films, contents.Entries, dir, client.Options{})
	if err != nil || r.Skipped != len(sizes) || r.Bytes != 0 {
		t.Fatalf("what is there is downloaded again: %+v, %v", r, err)
	}
	wait.Eventually(t, "no file stays open at the server", func() bool { return w.Library.Open() == 0 })
}

func TestAListingInPagesIsListedWhole(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	for i := range 3000 {
		path := fmt.Sprintf("%s/%04d", strings.Repeat("d", 250), i)
		w.Library.AddEntry(catalog.Entry{Path: path, Hash: events.Hash{byte(i), byte(i >> 8), 1}}, nil)
	}
	got, err := bob(t, w).List(t.Context(), films)
	if err != nil || len(got.Entries) != 3000 || got.Revision != w.Library.Revision() {
		t.Fatal(len(got.Entries), got.Revision, err)
	}
}

func TestRefusalsAreReported(t *testing.T) {
	w := catalogtest.Start(t)
	c, dir := bob(t, w), t.TempDir()
	e := catalog.Entry{Path: "a.mp4", Size: 1, Hash: sha256.Sum256([]byte("a"))}
	expect := func(name string, want error) {
		t.Helper()
		if _, err := c.Open(t.Context(), films, e); !errors.Is(err, want) {
			t.Fatalf("%s: open: %v", name, err)
		}
		if _, err := download(t, c, dir, e); !errors.Is(err, want) {
			t.Fatalf("%s: download: %v", name, err)
		}
	}
	expect("nobody serves", client.ErrOffline)
	if _, err := c.List(t.Context(), films); !errors.Is(err, client.ErrOffline) {
		t.Fatal(err)
	}
	w.Serve(t, func(c *server.Config) { c.Limits.CallerSessions, c.Limits.Rest = 1, time.Hour })
	expect("no such file", catalog.ErrNotFound)
	e = w.Library.Add("a.mp4", catalogtest.Content(100, 1))
	f, err := c.Open(t.Context(), films, e)
	if err != nil {
		t.Fatal(err)
	}
	expect("too many", client.ErrBusy)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	wait.Eventually(t, "the session is closed", func() bool { return w.Library.Open() == 0 })
	w.Library.Change(e.Hash)
	expect("changed", catalog.ErrChanged)
	w.Shares.Set()
	w.Tell(t, events.FeedUnshared, 1)
	wait.Eventually(t, "bob is refused", func() bool {
		_, err := c.List(t.Context(), films)
		return errors.Is(err, client.ErrNotShared)
	})
	expect("not shared", client.ErrNotShared)
	expectOnly(t, dir)
}

func TestNothingIsWrittenOutsideTheDirectory(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	content := catalogtest.Content(100, 1)
	hash := w.Library.Add("good.mp4", content).Hash
	parent := t.TempDir()
	dir := filepath.Join(parent, "into")
	if err := os.MkdirAll(filepath.Join(parent, "victim"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(parent, "victim"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"../out", "//etc/out", "a/../../out", "a/../b", "nul\x00byte", "new\nline", "", ".", "..",
		"a//b", `..\out`, ".hidden", "link/out", "\xff",
	} {
		if utf8.ValidString(path) { // JSON has no other
			w.Library.AddEntry(catalog.Entry{Path: path, Size: 100, Hash: hash}, content)
		}
		r, err := download(t, bob(t, w), dir, catalog.Entry{Path: path, Size: 100, Hash: hash})
		if err == nil || r.Files != 0 {
			t.Errorf("%q was written", path)
		}
	}
	listed, err := bob(t, w).List(t.Context(), films)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range listed.Entries {
		if e.Path != "good.mp4" && e.Path != "link/out" {
			t.Errorf("%q is listed", e.Path)
		}
	}
	if _, err := download(t, bob(t, w), dir, listed.Entries...); err == nil {
		t.Error("link/out is no error")
	}
	expectOnly(t, parent, "into/good.mp4", "into/link")
}

func TestAnInterruptedDownloadContinues(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	content := catalogtest.Content(100*chunk+5, 1)
	e := w.Library.Add("dir/a.mp4", content)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	w.Library.OnRead(e.Hash, func(off int64) error {
		if off == 60*chunk {
			cancel()
		}
		return nil
	})
	_, err := bob(t, w).Download(ctx, films, []catalog.Entry{e}, dir, client.Options{})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	expectOnly(t, dir, client.PartialName(e))
	left, err := os.ReadFile(filepath.Join(dir, client.PartialName(e)))
	if err != nil || len(left) == 0 || !bytes.HasPrefix(content, left) {
		t.Fatalf("%d bytes are left, %v", len(left), err)
	}
	r, err := download(t, bob(t, w), dir, e)
	if err != nil || r.Resumed != 1 || r.Bytes != int64(len(content)-len(left)) {
		t.Fatalf("%d bytes were there: %+v, %v", len(left), r, err)
	}
	expectFile(t, dir, "dir/a.mp4", content)
	expectOnly(t, dir, "dir/a.mp4")
}

func TestWhateverACrashLeftBecomesTheFile(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	content := catalogtest.Content(10*chunk+5, 1)
	e := w.Library.Add("a.mp4", content)
	damaged := bytes.Clone(content[:5*chunk])
	damaged[3]++
	for name, row := range map[string]struct {
		left    []byte
		resumed int
		bytes   int
	}{
		"nothing":       {[]byte{}, 0, len(content)},
		"a beginning":   {content[:4*chunk+100], 1, len(content) - 4*chunk - 100},
		"all of it":     {content, 1, 0},
		"a damaged one": {damaged, 0, len(content) - len(damaged) + len(content)},
		"zeros at the end": {append(bytes.Clone(content[:chunk]), make([]byte, chunk)...), 0,
			len(content) - 2*chunk + len(content)},
		"more than there is": {append(bytes.Clone(content), 1), 0, len(content)},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, client.PartialName(e)), row.left, 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := download(t, bob(t, w), dir, e)
			if err != nil || r.Resumed != row.resumed || r.Bytes != int64(row.bytes) {
				t.Fatalf("%+v, %v", r, err)
			}
			expectFile(t, dir, "a.mp4", content)
			expectOnly(t, dir, "a.mp4")
		})
	}
}

func TestACrashWhileTheFileGotItsNameIsTidiedUp(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	content := catalogtest.Content(1000, 1)
	e := w.Library.Add("a.mp4", content)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.mp4"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(dir, "a.mp4"), filepath.Join(dir, client.PartialName(e))); err != nil {
		t.Fatal(err)
	}
	if r, err := download(t, bob(t, w), dir, e); err != nil || r.Skipped != 1 {
		t.Fatal(r, err)
	}
	expectOnly(t, dir, "a.mp4")
}

func TestAFileThatIsThereIsNotReplacedUnasked(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	content := catalogtest.Content(1000, 1)
	e := w.Library.Add("a.mp4", content)
	for name, there := range map[string][]byte{"shorter": []byte("mine"), "as long": catalogtest.Content(1000, 2)} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "a.mp4"), there, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := download(t, bob(t, w), dir, e); !errors.Is(err, client.ErrExists) {
				t.Fatal(err)
			}
			expectFile(t, dir, "a.mp4", there)
			expectOnly(t, dir, "a.mp4")
			o := client.Options{Overwrite: true}
			if _, err := bob(t, w).Download(t.Context(), films, []catalog.Entry{e}, dir, o); err != nil {
				t.Fatal(err)
			}
			expectFile(t, dir, "a.mp4", content)
		})
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "a.mp4"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := bob(t, w).Download(t.Context(), films, []catalog.Entry{e}, dir, client.Options{Overwrite: true})
	if !errors.Is(err, client.ErrExists) {
		t.Fatal(err)
	}
}

func TestAFileThatIsNotWhatWasListedIsNotKept(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	lie := catalogtest.Content(3*chunk, 1)
	truth := sha256.Sum256([]byte("truth"))
	e := w.Library.AddEntry(catalog.Entry{Path: "lie.mp4", Size: int64(len(lie)), Hash: truth}, lie)
	good := w.Library.Add("good.mp4", catalogtest.Content(100, 2))
	dir := t.TempDir()
	r, err := download(t, bob(t, w), dir, e, good)
	if !errors.Is(err, client.ErrHash) || !strings.Contains(err.Error(), `"lie.mp4"`) || r.Files != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	expectOnly(t, dir, "good.mp4")
}

// fullDisk takes so many bytes and no more.
type fullDisk struct {
	*os.File
	free int
}

func (d *fullDisk) WriteAt(b []byte, off int64) (int, error) {
	if len(b) <= d.free {
		d.free -= len(b)
		return d.File.WriteAt(b, off)
	}
	n, err := d.File.WriteAt(b[:d.free], off)
	d.free = 0
	if err == nil {
		err = &os.PathError{Op: "write", Path: d.Name(), Err: syscall.ENOSPC}
	}
	return n, err
}

func TestAFullDiskKeepsWhatHasCome(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	content := catalogtest.Content(10*chunk, 1)
	e := w.Library.Add("a.mp4", content)
	dir := t.TempDir()
	c := bob(t, w)
	c.WriteThrough(func(f *os.File) client.Sink { return &fullDisk{f, 4*chunk + 100} })
	if _, err := download(t, c, dir, e); !errors.Is(err, client.ErrDiskFull) || !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	expectFile(t, dir, client.PartialName(e), content[:4*chunk+100])
	r, err := download(t, bob(t, w), dir, e)
	if err != nil || r.Resumed != 1 || r.Bytes != int64(6*chunk-100) {
		t.Fatalf("%+v, %v", r, err)
	}
	expectFile(t, dir, "a.mp4", content)
}

func TestTwoDownloadsOfOneFileDoNotMix(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	content := catalogtest.Content(200*chunk, 1)
	e := w.Library.Add("a.mp4", content)
	var wg sync.WaitGroup
	for range 4 {
		dir := t.TempDir()
		wg.Go(func() {
			if _, err := download(t, bob(t, w), dir, e); err != nil {
				t.Error(err)
				return
			}
			expectFile(t, dir, "a.mp4", content)
		})
	}
	wg.Wait()
}

func TestTwoDownloadsIntoOneDirectoryDoNotMix(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	content := catalogtest.Content(20*chunk, 1)
	e := w.Library.Add("a.mp4", content)
	dir := t.TempDir()
	reading, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.Library.OnRead(e.Hash, func(int64) error {
		once.Do(func() { close(reading) })
		<-goOn
		return nil
	})
	first := make(chan error, 1)
	go func() {
		_, err := download(t, bob(t, w), dir, e)
		first <- err
	}()
	<-reading
	if _, err := download(t, bob(t, w), dir, e); !errors.Is(err, client.ErrInUse) {
		t.Fatal(err)
	}
	close(goOn)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	expectFile(t, dir, "a.mp4", content)
	expectOnly(t, dir, "a.mp4")
}

func TestARevokedShareEndsADownload(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(100*chunk, 1))
	dir := t.TempDir()
	var once sync.Once
	w.Library.OnRead(e.Hash, func(off int64) error {
		if off > 50*chunk {
			once.Do(func() {
				w.Shares.Set()
				w.Tell(t, events.FeedUnshared, 1)
			})
		}
		return nil
	})
	if _, err := download(t, bob(t, w), dir, e); !errors.Is(err, client.ErrNotShared) {
		t.Fatal(err)
	}
	expectOnly(t, dir, client.PartialName(e))
	w.Shares.Set(api.Share{From: w.Alice.Key, To: w.Bob.Key, Catalog: films})
	w.Tell(t, events.FeedShared, 2)
	wait.Eventually(t, "it continues when it is shared again", func() bool {
		r, err := download(t, bob(t, w), dir, e)
		return err == nil && r.Resumed == 1
	})
}

// What is streamed cannot be taken back: the error says that it is not the file.
func TestAStreamThatIsNotWhatWasListedIsAnError(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	lie := catalogtest.Content(3*chunk, 1)
	truth := sha256.Sum256([]byte("truth"))
	e := w.Library.AddEntry(catalog.Entry{Path: "lie.mp4", Size: int64(len(lie)), Hash: truth}, lie)
	good := w.Library.Add("good.mp4", catalogtest.Content(3*chunk, 2))
	var got bytes.Buffer
	if err := bob(t, w).Stream(t.Context(), films, e, &got, client.Options{}); !errors.Is(err, client.ErrHash) {
		t.Errorf("a lie: %v", err)
	}
	got.Reset()
	if err := bob(t, w).Stream(t.Context(), films, good, &got, client.Options{}); err != nil ||
		!bytes.Equal(got.Bytes(), catalogtest.Content(3*chunk, 2)) {
		t.Errorf("%d bytes, %v", got.Len(), err)
	}
}

// unsyncedDisk takes everything and cannot keep it.
type unsyncedDisk struct{ *os.File }

func (unsyncedDisk) Sync() error { return syscall.EIO }

func TestAFileThatIsNotSafeOnTheDiskDoesNotGetItsName(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(3*chunk, 1))
	c, dir := bob(t, w), t.TempDir()
	c.WriteThrough(func(f *os.File) client.Sink { return unsyncedDisk{f} })
	if _, err := download(t, c, dir, e); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	expectOnly(t, dir, client.PartialName(e))
}

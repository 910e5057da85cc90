package client_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
	"natster/workloads/catalog/internal/catalogtest"
)

const chunk = 16 << 10

func bob(t testing.TB, w *catalogtest.World, change ...func(*client.Config)) *client.Client {
	c := client.Config{Conn: w.Bob.Conn(t), Account: w.Bob.Key, ChunkSize: chunk, ReadChunk: chunk}
	for _, f := range change {
		f(&c)
	}
	return client.NewWith(c)
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

func TestBobDownloadsWhatAliceShares(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	sizes := []int{0, 1, chunk - 1, chunk, chunk + 1, 3*chunk + 7, 50 * chunk}
	for _, n := range sizes {
		w.Library.Add(fmt.Sprintf("some/dir %d/file-%d.mp4", n%3, n), catalogtest.Content(n, byte(n)))
	}
	c := bob(t, w)
	contents, err := c.List(t.Context(), catalogtest.Films)
	if err != nil {
		t.Fatal(err)
	}
	if len(contents.Entries) != len(sizes) {
		t.Fatalf("%d entries listed", len(contents.Entries))
	}
	dir := t.TempDir()
	var last client.Progress
	r, err := c.Download(t.Context(), catalogtest.Films, contents.Entries, dir, client.Options{Progress: func(p client.Progress) { last = p }})
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
	// again: everything is there
	r, err = c.Download(t.Context(), catalogtest.Films, contents.Entries, dir, client.Options{})
	if err != nil || r.Skipped != len(sizes) || r.Bytes != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	_ = catalog.Entry{}
}

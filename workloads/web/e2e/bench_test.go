//go:build browser && bench

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"natster/deploy/accounts"
	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
)

// TestBench measures the website against plain HTTP, against its own worker without decryption, and against the Go
// client, all in one run, and prints a table. It needs 5 GiB of disk and about four minutes: make bench-web.
func TestBench(t *testing.T) {
	f := newFixture(t, t.TempDir())
	f.large(t, "large.bin", 1536<<20)
	f.ffmpeg(t, "hour.mp4", "-stream_loop", "46", "-i", f.path("clips/long.mp4"), "-c", "copy")
	f.marks = nil // nobody listens: that costs
	s := newStage(t, f)
	if err := s.startCatalog(); err != nil {
		t.Fatal(err)
	}
	films := accounts.Import{Catalog: s.films, Owner: s.alice.Key}
	if err := s.w.Keeper().Import(t.Context(), s.bob.Key, films); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/plain/", http.StripPrefix("/plain/", http.FileServer(http.Dir(f.dir))))
	mux.HandleFunc("/page.html", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, "<!doctype html><title>plain</title>")
	})
	mux.HandleFunc("POST /go", func(w http.ResponseWriter, r *http.Request) {
		took, err := s.goDownload(r.Context(), filepath.Join(t.TempDir(), "copy"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = fmt.Fprint(w, took.Seconds())
	})
	plain := httptest.NewServer(mux)
	t.Cleanup(plain.Close)
	run := s.node(t.TempDir(), "../page/bench/bench.mjs")
	run.Env = append(run.Env, "PLAIN="+plain.URL)
	run.Stdout, run.Stderr = os.Stdout, os.Stderr
	if err := run.Run(); err != nil {
		t.Errorf("%v\n%s", err, s.log.String())
	}
}

// goDownload downloads the large file with the Go client, verified, as bob.
func (s *stage) goDownload(ctx context.Context, to string) (time.Duration, error) {
	nc := s.bob.Connect(s.t)
	defer nc.Close()
	c := client.New(client.Config{Conn: nc, Account: s.bob.Key})
	for _, e := range s.library.Contents().Entries {
		if e.Path != "large.bin" {
			continue
		}
		began := time.Now()
		if _, err := c.Download(ctx, s.films, []catalog.Entry{e}, to, client.Options{}); err != nil {
			return 0, err
		}
		return time.Since(began), os.RemoveAll(to)
	}
	return 0, fmt.Errorf("no large file")
}

// large writes a file of n bytes that do not repeat, and are not zero.
func (f *fixture) large(t *testing.T, name string, n int64) {
	const random = "openssl enc -aes-128-ctr -pass pass:x -nosalt </dev/zero 2>/dev/null | head -c %d >'%s'"
	out, err := exec.CommandContext(t.Context(), "sh", "-c", fmt.Sprintf(random, n, f.path(name))).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

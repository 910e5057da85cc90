package client_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"natster/workloads/catalog"
	"natster/workloads/catalog/internal/catalogtest"
)

func TestAPlayerSeeksOverHTTP(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	content := catalogtest.Content(100*chunk+5, 1)
	e := w.Library.Add("some dir/ä film.mp4", content)
	page := w.Library.AddEntry(catalog.Entry{Path: "evil.html", MIMEType: "text/html", Size: 4, Hash: w.Library.Add("x", []byte("evil")).Hash}, []byte("evil"))
	w.Library.AddEntry(catalog.Entry{Path: "evil.svg", MIMEType: "image/svg+xml", Size: 4, Hash: page.Hash}, []byte("evil"))
	g := bob(t, w).Handler("secret")
	s := httptest.NewServer(g)
	t.Cleanup(func() {
		s.Close()
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	get := func(path, rang string) (*http.Response, []byte) {
		t.Helper()
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if rang != "" {
			q.Header.Set("Range", rang)
		}
		r, err := s.Client().Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r, body
	}
	r, body := get(g.Path(films, e), "")
	if r.StatusCode != 200 || !bytes.Equal(body, content) || r.Header.Get("Content-Type") != "video/mp4" || r.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Fatal(r.Status, r.Header, len(body))
	}
	for rang, want := range map[string][]byte{
		"bytes=0-9": content[:10], "bytes=-7": content[len(content)-7:], "bytes=1600000-": content[1600000:], "bytes=16383-16384": content[16383:16385],
	} {
		if r, body := get(g.Path(films, e), rang); r.StatusCode != 206 || !bytes.Equal(body, want) {
			t.Errorf("%s: %s, %d bytes", rang, r.Status, len(body))
		}
	}
	if r, _ := get(g.Path(films, e), "bytes=99999999-"); r.StatusCode != 416 {
		t.Error(r.Status)
	}
	if r, body := get("/secret/films/"+e.Hash.Short(), "bytes=5-6"); r.StatusCode != 206 || !bytes.Equal(body, content[5:7]) {
		t.Error("by the beginning of its hash:", r.Status)
	}
	for _, path := range []string{"evil.html", "evil.svg"} {
		r, _ := get("/secret/films/"+path, "")
		if r.Header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(r.Header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s is shown: %v", path, r.Header)
		}
	}
	for path, want := range map[string]int{
		"/":                      404,
		"/films/" + e.Path:       404,
		"/wrong/films/evil.html": 404,
		"/secret/films/none.mp4": 404,
		"/secret/films/":         404,
		"/secret/fi lms/x":       404,
		"/secret/music/x":        503,
	} {
		if r, _ := get(strings.ReplaceAll(path, " ", "%20"), ""); r.StatusCode != want {
			t.Errorf("%s: %s", path, r.Status)
		}
	}
	if r, err := s.Client().Post(s.URL+g.Path(films, e), "text/plain", nil); err != nil || r.StatusCode != 405 {
		t.Error(r, err)
	}
}

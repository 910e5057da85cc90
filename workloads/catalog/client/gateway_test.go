package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/internal/test/catalogtest"
	"natster/workloads/catalog"
)

func TestAPlayerSeeksOverHTTP(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	content := catalogtest.Content(100*chunk+5, 1)
	e := w.Library.Add("some dir/ä film.mp4", content)
	hash := w.Library.Add("x", []byte("evil")).Hash
	for path, mime := range map[string]string{"evil.html": "text/html", "evil.svg": "image/svg+xml"} {
		w.Library.AddEntry(catalog.Entry{Path: path, MIMEType: mime, Size: 4, Hash: hash}, []byte("evil"))
	}
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
	if r.StatusCode != 200 || !bytes.Equal(body, content) || r.Header.Get("Content-Type") != "video/mp4" ||
		r.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Fatal(r.Status, r.Header, len(body))
	}
	for rang, want := range map[string][]byte{
		"bytes=0-9": content[:10], "bytes=-7": content[len(content)-7:],
		"bytes=1600000-": content[1600000:], "bytes=16383-16384": content[16383:16385],
	} {
		if r, body := get(g.Path(films, e), rang); r.StatusCode != 206 || !bytes.Equal(body, want) {
			t.Errorf("%s: %s, %d bytes", rang, r.Status, len(body))
		}
	}
	if r, _ := get(g.Path(films, e), "bytes=99999999-"); r.StatusCode != 416 {
		t.Error(r.Status)
	}
	r, body = get("/secret/films/"+e.Hash.Short(), "bytes=5-6")
	if r.StatusCode != 206 || !bytes.Equal(body, content[5:7]) {
		t.Error("by the beginning of its hash:", r.Status)
	}
	for _, path := range []string{"evil.html", "evil.svg"} {
		r, _ := get("/secret/films/"+path, "")
		if r.Header.Get("Content-Type") != "application/octet-stream" ||
			!strings.HasPrefix(r.Header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s is shown: %v", path, r.Header)
		}
	}
	for path, want := range map[string]int{
		"/":                      404,
		"/films/" + e.Path:       404,
		"/wrong/films/evil.html": 404,
		"/secret/films/none.mp4": 404,
		"/secret/films/none/":    404,
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

// A web page that makes its own name point to this machine gets nothing, even if it knows a path.
func TestTheGatewayAnswersOnlyToAnAddress(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(10, 1))
	empty := w.Library.Add("empty", nil)
	g := bob(t, w).Handler("secret")
	defer g.Close()
	ask := func(method, host, path, rang string) *httptest.ResponseRecorder {
		q := httptest.NewRequestWithContext(t.Context(), method, path, nil)
		q.Host = host
		if rang != "" {
			q.Header.Set("Range", rang)
		}
		r := httptest.NewRecorder()
		g.ServeHTTP(r, q)
		return r
	}
	for host, want := range map[string]int{
		"127.0.0.1:80": 200, "127.0.0.1": 200, "[::1]:80": 200, "localhost:80": 200, "LOCALHOST": 200,
		"evil.example": 404, "evil.example:80": 404, "127.0.0.1.evil.example": 404,
		"localhost.evil.example:80": 404, "": 404,
	} {
		if r := ask("GET", host, g.Path(films, e), ""); r.Code != want {
			t.Errorf("%q: %d", host, r.Code)
		}
	}
	r := ask("HEAD", "localhost", g.Path(films, e), "")
	if r.Code != 200 || r.Header().Get("Content-Length") != "10" || r.Body.Len() != 0 {
		t.Error("HEAD:", r.Code, r.Header(), r.Body.Len())
	}
	if r := ask("GET", "localhost", g.Path(films, empty), ""); r.Code != 200 || r.Body.Len() != 0 {
		t.Error("an empty file:", r.Code)
	}
	for rang, want := range map[string]int{
		"bytes=9-": 206, "bytes=10-": 416, "bytes=-99": 206, "bytes=5-2": 416, "bytes=0-,0-,0-": 200, "bits=1-2": 416,
	} {
		if r := ask("GET", "localhost", g.Path(films, e), rang); r.Code != want {
			t.Errorf("%s: %d", rang, r.Code)
		}
	}
}

func TestAGatewayClosesWhileAServerIsSilent(t *testing.T) {
	w := catalogtest.Start(t)
	_, stop := w.Serve(t)
	e := w.Library.Add("a.mp4", catalogtest.Content(10, 1))
	c := bob(t, w)
	g := c.Handler("secret")
	list, err := c.List(t.Context(), films)
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{})
	silent := w.Alice.Conn(t)
	for verb, answer := range map[string]func(*nats.Msg){
		"get": func(m *nats.Msg) {
			body, err := json.Marshal(map[string]any{"code": 200, "data": list})
			if err != nil || m.Respond(body) != nil {
				t.Error("not answered")
			}
		},
		"download": func(*nats.Msg) { close(asked) },
	} {
		if _, err := silent.Subscribe("*.natster.catalog.films."+verb, answer); err != nil {
			t.Fatal(err)
		}
	}
	if err := silent.Flush(); err != nil {
		t.Fatal(err)
	}
	answered := make(chan int, 1)
	go func() {
		r := httptest.NewRecorder()
		q := httptest.NewRequestWithContext(context.Background(), "GET", g.Path(films, e), nil)
		q.Host = "localhost"
		g.ServeHTTP(r, q)
		answered <- r.Code
	}()
	<-asked
	began := time.Now()
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 5*time.Second { // the request itself would wait for ten
		t.Errorf("it took %v", took)
	}
	if code := <-answered; code < 500 {
		t.Error(code)
	}
}

// A path leads to the file that is there now, not to the one that was there before.
func TestAFileThatWasReplacedIsServedAnew(t *testing.T) {
	w := catalogtest.Start(t)
	w.Serve(t)
	e := w.Library.Add("a.txt", []byte("old"))
	g := bob(t, w).Handler("secret")
	defer g.Close()
	get := func() (int, string) {
		r := httptest.NewRecorder()
		q := httptest.NewRequestWithContext(t.Context(), "GET", g.Path(films, e), nil)
		q.Host = "localhost"
		g.ServeHTTP(r, q)
		return r.Code, r.Body.String()
	}
	w.Library.Add("b.txt", nil)
	r := httptest.NewRecorder()
	q := httptest.NewRequestWithContext(t.Context(), "HEAD", "/secret/films/b.txt", nil) // the listing is known now
	q.Host = "localhost"
	g.ServeHTTP(r, q)
	if r.Code != 200 {
		t.Fatal(r.Code)
	}
	w.Library.Replace("a.txt", []byte("newer"))
	if code, body := get(); code != 200 || body != "newer" {
		t.Fatal(code, body)
	}
}

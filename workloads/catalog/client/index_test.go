package client_test

import (
	"crypto/sha256"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"natster/internal/test/catalogtest"
	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
)

// A browsed catalog is bob's gateway to films, and what answers there.
type browsed struct {
	t    *testing.T
	w    *catalogtest.World
	g    *client.Gateway
	site *httptest.Server
}

func browse(t *testing.T) browsed {
	t.Helper()
	w := catalogtest.Start(t)
	for i, p := range []string{
		"a & b/<i>1</i>.mp3", "a & b/10 #? %41.ogg", "a & b/deep/er/last.mp4", "notes.txt",
		"zoo.webm", "\u05e9\u200f.mp3",
	} {
		types := map[string]string{
			".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".mp4": "video/mp4", ".txt": "text/plain", ".webm": "video/webm",
		}
		w.Library.AddEntry(catalog.Entry{
			Path: p, MIMEType: types[path.Ext(p)], Size: int64(len(p)),
			Hash: sha256.Sum256([]byte(p)), Modified: 1_600_000_000 + int64(i)*86400,
		}, []byte(p))
	}
	w.Serve(t)
	g := bob(t, w).Handler("secret")
	site := httptest.NewServer(g)
	t.Cleanup(func() {
		site.Close()
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return browsed{t, w, g, site}
}

func (b browsed) do(method, at string, header ...string) (*http.Response, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.site.URL+at, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a, err := b.site.Client().Transport.RoundTrip(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return a, string(body)
}

func TestACatalogIsAPageToClickThrough(t *testing.T) {
	b := browse(t)
	link := regexp.MustCompile(`<td><a href="([^"]*)"`)
	found := make(map[string]string)
	todo := []string{b.g.FolderPath(films, "")}
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		r, page := b.do(http.MethodGet, at)
		if r.StatusCode != http.StatusOK || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") ||
			!strings.HasPrefix(r.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Fatalf("%s: %s %v", at, r.Status, r.Header)
		}
		if strings.Contains(page, "<i>") || strings.Contains(page, "\u200f") {
			t.Errorf("%s shows a name as it is", at)
		}
		for _, m := range link.FindAllStringSubmatch(page, -1) {
			to := strings.ReplaceAll(m[1], "&amp;", "&")
			if strings.HasSuffix(to, "/") {
				todo = append(todo, to)
				continue
			}
			r, content := b.do(http.MethodGet, to)
			if r.StatusCode != http.StatusOK {
				t.Errorf("%s: %s", to, r.Status)
			}
			found[content] = to
		}
	}
	_, page := b.do(http.MethodGet, "/secret/films/")
	if !strings.Contains(page, `href="/secret/films/playlist.m3u8"`) {
		t.Error("a catalog with music has no link to its playlist")
	}
	if len(found) != 6 {
		t.Errorf("clicking leads to %v", found)
	}
	r, _ := b.do(http.MethodGet, "/secret/films")
	if r.StatusCode != http.StatusFound || r.Header.Get("Location") != "/secret/films/" {
		t.Errorf("without a slash: %s, %s", r.Status, r.Header.Get("Location"))
	}
	for path, want := range map[string]int{
		"/secret/films/nothing/": 404, "/wrong/films/": 404, "/secret/music/": 503, "/secret/": 404, "/": 404,
	} {
		if r, _ := b.do(http.MethodGet, path); r.StatusCode != want {
			t.Errorf("%s: %s, not %d", path, r.Status, want)
		}
	}
}

func TestAFolderHasAPlaylist(t *testing.T) {
	b := browse(t)
	tracks := func(path string) (names []string) {
		t.Helper()
		r, text := b.do(http.MethodGet, path)
		if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "audio/x-mpegurl" ||
			!strings.HasPrefix(text, "#EXTM3U\n") {
			t.Fatalf("%s: %s %v\n%s", path, r.Status, r.Header, text)
		}
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "#") {
				continue
			}
			u, err := url.Parse(strings.TrimSpace(line))
			if err != nil || "http://"+u.Host != b.site.URL {
				t.Fatalf("%q: %v", line, err)
			}
			r, content := b.do(http.MethodGet, u.EscapedPath())
			if r.StatusCode != http.StatusOK {
				t.Errorf("%s: %s", u, r.Status)
			}
			names = append(names, content)
		}
		return names
	}
	want := []string{"a & b/10 #? %41.ogg", "a & b/<i>1</i>.mp3", "a & b/deep/er/last.mp4"}
	if got := tracks("/secret/films/a%20&%20b/playlist.m3u8"); !slices.Equal(got, want) {
		t.Errorf("the folder plays %q", got)
	}
	if got := tracks(b.g.FolderPath(films, "") + client.PlaylistName); len(got) != 5 {
		t.Errorf("the catalog plays %q", got)
	}
	b.w.Library.Add("own/playlist.m3u8", []byte("the owner's"))
	b.w.Library.Add("own/x.mp3", []byte("x"))
	if _, got := b.do(http.MethodGet, "/secret/films/own/playlist.m3u8"); got != "the owner's" {
		t.Errorf("a file of that name is hidden by %q", got)
	}
}

// What Finder, Explorer and GNOME ask, as they ask it.
func TestAFileManagerMountsACatalog(t *testing.T) {
	b := browse(t)
	type response struct {
		Href string    `xml:"href"`
		Dir  *struct{} `xml:"propstat>prop>resourcetype>collection"`
		Size int64     `xml:"propstat>prop>getcontentlength"`
		Type string    `xml:"propstat>prop>getcontenttype"`
		Time string    `xml:"propstat>prop>getlastmodified"`
	}
	list := func(path, depth string) map[string]response {
		t.Helper()
		r, body := b.do("PROPFIND", path, "Depth", depth)
		if r.StatusCode != http.StatusMultiStatus {
			t.Fatalf("%s: %s %s", path, r.Status, body)
		}
		var all struct {
			Responses []response `xml:"response"`
		}
		if err := xml.Unmarshal([]byte(body), &all); err != nil {
			t.Fatal(err)
		}
		found := make(map[string]response)
		for _, x := range all.Responses {
			found[x.Href] = x
		}
		return found
	}
	root := list("/secret/films/", "1")
	if x := root["/secret/films/notes.txt"]; len(root) != 5 || x.Size != int64(len("notes.txt")) ||
		x.Type != "text/plain" || x.Time != "Wed, 16 Sep 2020 12:26:40 GMT" {
		t.Errorf("the catalog is %+v", root)
	}
	if x := root["/secret/films/a%20&%20b/"]; x.Dir == nil {
		t.Errorf("the folder is %+v", x)
	}
	if in := list("/secret/films/a%20&%20b", "1"); len(in) != 4 {
		t.Errorf("the folder has %v", in)
	}
	if one := list("/secret/films/zoo.webm", "0"); len(one) != 1 {
		t.Errorf("a file is %v", one)
	}
	r, body := b.do("PROPFIND", "/secret/films/", "Depth", "infinity")
	if r.StatusCode != http.StatusForbidden || !strings.Contains(body, "propfind-finite-depth") {
		t.Errorf("all at once: %s", r.Status)
	}
	if r, _ := b.do("PROPFIND", "/secret/films/._notes.txt", "Depth", "0"); r.StatusCode != http.StatusNotFound {
		t.Errorf("what Finder looks for: %s", r.Status)
	}
	for _, path := range []string{"/", "/secret/films/"} {
		if r, _ := b.do(http.MethodOptions, path); r.StatusCode != http.StatusOK || r.Header.Get("DAV") != "1" {
			t.Errorf("OPTIONS %s: %s %v", path, r.Status, r.Header)
		}
	}
	for _, method := range []string{
		http.MethodPut, http.MethodDelete, "MKCOL", "MOVE", "COPY", "LOCK", "PROPPATCH", http.MethodPost,
	} {
		r, _ := b.do(method, "/secret/films/notes.txt", "Destination", b.site.URL+"/secret/films/x")
		if r.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %s", method, r.Status)
		}
	}
	if r, _ := b.do("PROPFIND", "/wrong/films/", "Depth", "1"); r.StatusCode != http.StatusNotFound {
		t.Errorf("without the secret: %s", r.Status)
	}
}

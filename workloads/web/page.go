package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

// built is the page that `make page` builds; it is empty in a checkout where it has not been built.
//
//go:embed all:page/dist
var built embed.FS

// An asset is a file of the page, ready to send.
type asset struct {
	body, gzip []byte // gzip is empty where it would not be smaller
	kind       string
	etag       string
	forever    bool // its name changes with its content
}

// assets are the files of the page, by path from the site's root.
type assets map[string]asset

// notBuilt is served when the page is not built.
const notBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Natster</title>
<h1>The page is not in this binary</h1>
<p>It was built without Node.js. Build it with:</p><pre>make page build</pre>
`

func builtPage() (assets, error) {
	dist, err := fs.Sub(built, "page/dist")
	if err != nil {
		return nil, err
	}
	all := make(assets)
	err = fs.WalkDir(dist, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			return err
		}
		body, err := fs.ReadFile(dist, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		a := asset{
			body: body, kind: mime.TypeByExtension(path.Ext(name)), etag: `"` + hex.EncodeToString(sum[:8]) + `"`,
			forever: strings.HasPrefix(name, "assets/"),
		}
		switch path.Ext(name) {
		case ".js":
			a.kind = "text/javascript; charset=utf-8"
		case ".webmanifest":
			a.kind = "application/manifest+json"
		}
		if a.gzip, err = zipped(body); err != nil {
			return err
		}
		all["/"+name] = a
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("web: the built page: %w", err)
	}
	return all, nil
}

func zipped(body []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	_, err = z.Write(body)
	if err := errors.Join(err, z.Close()); err != nil || b.Len() > len(body)*9/10 {
		return nil, err
	}
	return b.Bytes(), nil
}

// page serves the page's files, and index.html for every path that is a view of it.
func (s *Site) page(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		refuse(w, http.StatusMethodNotAllowed, "bad_request", "pages are only read")
		return
	}
	name := path.Clean(r.URL.Path)
	a, ok := s.assets[name]
	if !ok {
		noView := path.Ext(name) != "" && strings.HasPrefix(name, "/assets/") || name == "/sw.js"
		if noView || r.Header.Get("Sec-Fetch-Dest") == "serviceworker" {
			http.NotFound(w, r)
			return
		}
		if a, ok = s.assets["/index.html"]; !ok {
			h.Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(notBuilt))
			return
		}
		name = "/index.html"
	}
	if name == "/sw.js" {
		h.Set("Content-Security-Policy", workerCSP)
	}
	h.Set("Cache-Control", "no-cache")
	if a.forever {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("Content-Type", a.kind)
	h.Set("ETag", a.etag)
	h.Set("Vary", "Accept-Encoding")
	if r.Header.Get("If-None-Match") == a.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := a.body
	if len(a.gzip) > 0 && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = a.gzip
	}
	_, _ = w.Write(body)
}

// noWorker refuses a request that the page's service worker should have answered: files of catalogs never pass through
// the site.
func noWorker(w http.ResponseWriter, _ *http.Request) {
	refuse(w, http.StatusServiceUnavailable, "no_worker", "the page's worker is not in control: reload the page")
}

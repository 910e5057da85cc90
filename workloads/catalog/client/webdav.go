package client

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"golang.org/x/net/webdav"

	"natster/events"
	"natster/workloads/catalog"
)

// WebDAV, read-only: what file managers need to show a catalog as a directory. It says class 1, so that none of them thinks
// that it could write; files themselves are read by GET like everywhere else.

const davMethods = "OPTIONS, GET, HEAD, PROPFIND"

// options answers what Explorer asks of any address before it mounts one below it; it tells nothing.
func options(w http.ResponseWriter) {
	w.Header().Set("Allow", davMethods)
	w.Header().Set("DAV", "1")
	w.Header().Set("MS-Author-Via", "DAV")
	w.WriteHeader(http.StatusOK)
}

// propfind answers for one file, or a folder and what is in it.
func (g *Gateway) propfind(w http.ResponseWriter, r *http.Request, name events.Catalog) {
	if d := r.Header.Get("Depth"); d != "0" && d != "1" { // none is infinity: the whole catalog in one answer
		w.Header().Set("Content-Type", "application/xml; charset=utf-8")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`<?xml version="1.0" encoding="utf-8"?><D:error xmlns:D="DAV:"><D:propfind-finite-depth/></D:error>`))
		return
	}
	l, _, err := g.folder(r.Context(), name, "")
	if err != nil {
		g.refuse(w, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	h := webdav.Handler{Prefix: g.root(name), FileSystem: davTree{l}, LockSystem: webdav.NewMemLS()}
	h.ServeHTTP(w, r)
}

// A davTree is a listing as a read-only [webdav.FileSystem]; the content of its files is not read through it.
type davTree struct{ *listing }

func (t davTree) Mkdir(context.Context, string, fs.FileMode) error         { return fs.ErrPermission }
func (t davTree) RemoveAll(context.Context, string) error                  { return fs.ErrPermission }
func (t davTree) Rename(context.Context, string, string) error             { return fs.ErrPermission }
func (t davTree) Stat(_ context.Context, name string) (fs.FileInfo, error) { return t.stat(name) }

// revised is when the listing changed last. Older servers count milliseconds, and an original says nothing.
func (t davTree) revised() time.Time {
	if at := time.Unix(t.contents.Revision, 0); t.contents.Revision > 0 && at.Before(t.at.Add(24*time.Hour)) {
		return at
	}
	return t.at
}

func (t davTree) stat(name string) (fs.FileInfo, error) {
	p := strings.Trim(path.Clean("/"+name), "/")
	if f := t.folders[p]; f != nil {
		return davInfo{folder: f, changed: t.revised()}, nil
	}
	if f := t.folders[strings.Trim(path.Dir("/"+p), "/")]; f != nil {
		for _, e := range f.files {
			if e.Path == p {
				return davInfo{entry: e, changed: t.revised()}, nil
			}
		}
	}
	return nil, fs.ErrNotExist
}

func (t davTree) OpenFile(_ context.Context, name string, flag int, _ fs.FileMode) (webdav.File, error) {
	if flag&(os.O_WRONLY|os.O_RDWR|os.O_CREATE|os.O_TRUNC) != 0 {
		return nil, fs.ErrPermission
	}
	i, err := t.stat(name)
	if err != nil {
		return nil, err
	}
	return &davFile{info: i.(davInfo)}, nil
}

// davInfo is a file of a listing, or a folder.
type davInfo struct {
	folder  *folder // nil: a file
	entry   catalog.Entry
	changed time.Time // where nothing better is known
}

func (i davInfo) Name() string {
	if i.folder != nil {
		return i.folder.name()
	}
	return path.Base(i.entry.Path)
}

func (i davInfo) Size() int64 {
	if i.folder != nil {
		return 0
	}
	return i.entry.Size
}

func (i davInfo) Mode() fs.FileMode {
	if i.folder != nil {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

func (i davInfo) ModTime() time.Time {
	t := i.entry.ModTime()
	if i.folder != nil {
		t = i.folder.modified
	}
	if t.IsZero() {
		return i.changed
	}
	return t
}

func (i davInfo) IsDir() bool { return i.folder != nil }
func (i davInfo) Sys() any    { return nil }

// ContentType and ETag save the handler a look into the file.
func (i davInfo) ContentType(context.Context) (string, error) {
	if i.folder != nil {
		return "httpd/unix-directory", nil
	}
	return i.entry.MIMEType, nil
}

func (i davInfo) ETag(context.Context) (string, error) {
	if i.folder != nil {
		return "", webdav.ErrNotImplemented
	}
	return etag(i.entry), nil
}

// davFile is a davInfo that was opened.
type davFile struct{ info davInfo }

var errNoContent = errors.New("files are read by GET")

func (f *davFile) Close() error                   { return nil }
func (f *davFile) Read([]byte) (int, error)       { return 0, errNoContent }
func (f *davFile) Seek(int64, int) (int64, error) { return 0, errNoContent }
func (f *davFile) Write([]byte) (int, error)      { return 0, fs.ErrPermission }
func (f *davFile) Stat() (fs.FileInfo, error)     { return f.info, nil }
func (f *davFile) Readdir(int) ([]fs.FileInfo, error) {
	if f.info.folder == nil {
		return nil, fs.ErrInvalid
	}
	var all []fs.FileInfo
	for _, d := range f.info.folder.folders {
		all = append(all, davInfo{folder: d, changed: f.info.changed})
	}
	for _, e := range f.info.folder.files {
		all = append(all, davInfo{entry: e, changed: f.info.changed})
	}
	return all, nil
}

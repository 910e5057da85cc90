package client

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"golang.org/x/net/webdav"

	"natster/events"
	"natster/workloads/catalog"
)

// WebDAV, read-only: what file managers need to show a catalog as a directory. Class 1 tells them that they cannot
// write. Files are read by GET.

const davMethods = "OPTIONS, GET, HEAD, PROPFIND"

// options answers what Explorer asks of any address before it mounts one below it. The answer has no secrets.
func options(w http.ResponseWriter) {
	w.Header().Set("Allow", davMethods)
	w.Header().Set("DAV", "1")
	w.Header().Set("MS-Author-Via", "DAV")
	w.WriteHeader(http.StatusOK)
}

// propfind answers for one file, or for a folder and what is in it.
func (g *Gateway) propfind(w http.ResponseWriter, r *http.Request, name events.Catalog) {
	if d := r.Header.Get("Depth"); d != "0" && d != "1" { // none is infinity: the whole catalog in one answer
		w.Header().Set("Content-Type", "application/xml; charset=utf-8")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`<?xml version="1.0" encoding="utf-8"?>` +
			`<D:error xmlns:D="DAV:"><D:propfind-finite-depth/></D:error>`))
		return
	}
	l, err := g.recent(r.Context(), name)
	if err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	h := webdav.Handler{Prefix: g.root(name), FileSystem: davTree{l}, LockSystem: webdav.NewMemLS()}
	h.ServeHTTP(w, r)
}

// A davTree is a listing as a read-only [webdav.FileSystem].
type davTree struct{ *listing }

func (t davTree) Mkdir(context.Context, string, fs.FileMode) error         { return fs.ErrPermission }
func (t davTree) RemoveAll(context.Context, string) error                  { return fs.ErrPermission }
func (t davTree) Rename(context.Context, string, string) error             { return fs.ErrPermission }
func (t davTree) Stat(_ context.Context, name string) (fs.FileInfo, error) { return t.node(name) }
func (t davTree) OpenFile(_ context.Context, name string, _ int, _ fs.FileMode) (webdav.File, error) {
	return t.node(name)
}

// node returns the folder or file of that name.
func (t davTree) node(name string) (*davNode, error) {
	p := strings.Trim(path.Clean("/"+name), "/")
	if f := t.folders[p]; f != nil {
		return t.folder(f), nil
	}
	if f := t.folders[parent(p)]; f != nil {
		for _, e := range f.files {
			if e.Path == p {
				return t.file(e), nil
			}
		}
	}
	return nil, fs.ErrNotExist
}

func (t davTree) folder(f *folder) *davNode {
	return &davNode{name: path.Base(f.path), mode: fs.ModeDir | 0o555, time: t.timeOr(f.modified), tree: t, folder: f}
}

func (t davTree) file(e catalog.Entry) *davNode {
	return &davNode{
		name: path.Base(e.Path), size: e.Size, mode: 0o444, time: t.timeOr(e.ModTime()),
		mime: e.MIMEType, etag: etag(e),
	}
}

// timeOr returns at or, if that is not known, when the listing changed last. For older servers, which count in
// milliseconds, and for an original, which does not say, that is when it was asked for.
func (t davTree) timeOr(at time.Time) time.Time {
	if !at.IsZero() {
		return at
	}
	if at = time.Unix(t.contents.Revision, 0); t.contents.Revision > 0 && at.Before(t.at.Add(24*time.Hour)) {
		return at
	}
	return t.at
}

// A davNode is a folder or a file of a listing, as [fs.FileInfo] and as [webdav.File]. It has no content.
type davNode struct {
	name       string
	size       int64
	mode       fs.FileMode
	time       time.Time
	mime, etag string // of a file
	tree       davTree
	folder     *folder // nil: a file
}

var errNoContent = errors.New("files are read by GET")

func (n *davNode) Name() string                                { return n.name }
func (n *davNode) Size() int64                                 { return n.size }
func (n *davNode) Mode() fs.FileMode                           { return n.mode }
func (n *davNode) ModTime() time.Time                          { return n.time }
func (n *davNode) IsDir() bool                                 { return n.mode.IsDir() }
func (n *davNode) Sys() any                                    { return nil }
func (n *davNode) ContentType(context.Context) (string, error) { return n.mime, nil }
func (n *davNode) ETag(context.Context) (string, error)        { return n.etag, nil }
func (n *davNode) Stat() (fs.FileInfo, error)                  { return n, nil }
func (n *davNode) Close() error                                { return nil }
func (n *davNode) Read([]byte) (int, error)                    { return 0, errNoContent }
func (n *davNode) Seek(int64, int) (int64, error)              { return 0, errNoContent }
func (n *davNode) Write([]byte) (int, error)                   { return 0, fs.ErrPermission }
func (n *davNode) Readdir(int) (all []fs.FileInfo, err error) {
	if n.folder == nil {
		return nil, fs.ErrInvalid
	}
	for _, f := range n.folder.folders {
		all = append(all, n.tree.folder(f))
	}
	for _, e := range n.folder.files {
		all = append(all, n.tree.file(e))
	}
	return all, nil
}

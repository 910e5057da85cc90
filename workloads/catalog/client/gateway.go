package client

import (
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"

	"golang.org/x/sync/singleflight"

	"natster/events"
	"natster/workloads/catalog"
)

// openFiles is how many files a gateway keeps open for the next request.
const openFiles = 8

// A Gateway is an [http.Handler] through which a player, browser or file manager on this machine reads remote files,
// seeking with Range:
//
//	GET /<token>/<catalog>/<path, or hash, or its unique beginning>
//	GET /<token>/<catalog>/<folder>/               a page to click through
//	GET /<token>/<catalog>/<folder>/playlist.m3u8  what can be played in the folder and below
//	PROPFIND, OPTIONS                              the same as a directory to mount: WebDAV, read-only
//
// A caller without the token gets nothing, nor does a web page through a name of its own that it made point to this
// machine: the host must be an IP address or localhost. What a browser could run, such as a page or an SVG, is sent as
// an attachment without its type. Close the gateway after use.
type Gateway struct {
	// Fetching, if set before use, is called for a file that its owner's server only sends whole: it is fetched into a
	// temporary file first. What Fetching returns is called with the progress.
	Fetching func(catalog.Entry) func(Progress)

	c     *Client
	token string
	ctx   context.Context // ends with Close
	stop  context.CancelFunc

	asking   singleflight.Group // for listings
	mu       sync.Mutex
	closed   bool
	files    map[source]*shared
	clock    uint64
	listings map[events.Catalog]*listing
}

// A shared file is open, or being opened, for any number of requests.
type shared struct {
	once  sync.Once
	file  opened
	err   error
	users int
	used  uint64
}

// An opened file is a [File], or a fetched one.
type opened interface {
	io.Closer
	content(context.Context) io.ReadSeeker
	broken() error
}

// Handler returns a gateway to the client's catalogs for callers that know the token, which must not be guessable
// ([crypto/rand.Text] is good).
func (c *Client) Handler(token string) *Gateway {
	ctx, stop := context.WithCancel(context.Background())
	return &Gateway{
		c: c, token: token, ctx: ctx, stop: stop,
		files: make(map[source]*shared), listings: make(map[events.Catalog]*listing),
	}
}

// Path returns the URL path of a file.
func (g *Gateway) Path(name events.Catalog, e catalog.Entry) string {
	return (&url.URL{Path: g.root(name) + "/" + e.Path}).EscapedPath()
}

// FolderPath returns the URL path of a folder: its page, which its playlist is below, and what a WebDAV client mounts.
// "" is the catalog itself; a folder may end with a slash or not.
func (g *Gateway) FolderPath(name events.Catalog, folder string) string {
	u := url.URL{Path: g.root(name) + "/"}
	if folder = strings.Trim(folder, "/"); folder != "" {
		u.Path += folder + "/"
	}
	return u.EscapedPath()
}

func (g *Gateway) root(name events.Catalog) string { return "/" + g.token + "/" + name.String() }

// Close closes the files that are kept open; running requests fail.
func (g *Gateway) Close() error {
	g.stop()
	g.mu.Lock()
	g.closed = true
	files := g.files
	g.files = make(map[source]*shared)
	g.mu.Unlock()
	var errs []error
	for _, s := range files {
		s.once.Do(func() { s.err = ErrClosed })
		if s.file != nil {
			errs = append(errs, s.file.Close())
		}
	}
	return errors.Join(errs...)
}

// ServeHTTP serves a file or a folder.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	known := g.token != "" && subtle.ConstantTimeCompare([]byte(token), []byte(g.token)) == 1
	text, what, _ := strings.Cut(rest, "/")
	name, err := events.ParseCatalog(text)
	switch {
	case r.Method == http.MethodOptions && numbered(r.Host):
		options(w)
		return
	case !known, !numbered(r.Host), err != nil:
		http.NotFound(w, r)
		return
	case r.Method == "PROPFIND":
		g.propfind(w, r, name)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", davMethods)
		http.Error(w, "this can only be read", http.StatusMethodNotAllowed)
		return
	case g.serveFolder(w, r, name, what):
		return
	}
	var e catalog.Entry
	var f opened
	var done func()
	for range 2 { // a file that changed since it was listed is there the second time: open drops the listing
		if e, err = g.find(r.Context(), name, what); err == nil {
			f, done, err = g.open(name, e)
		}
		if !isOneOf(err, catalog.ErrNotFound, catalog.ErrChanged) {
			break
		}
	}
	if err != nil {
		refuse(w, err)
		return
	}
	defer done()
	setHeaders(w.Header(), e)
	http.ServeContent(w, r, "", e.ModTime(), f.content(r.Context()))
}

// serveFolder serves a folder's page or playlist. It returns false if what is not one of these.
func (g *Gateway) serveFolder(w http.ResponseWriter, r *http.Request, name events.Catalog, what string) bool {
	folder, base := path.Split(what)
	list := base == PlaylistName
	if !list {
		if l := g.listed(name); base != "" && (l == nil || l.folders[what] == nil) {
			return false // a file, or nothing: without asking for the listing again
		}
		folder = what
	}
	folder = strings.TrimSuffix(folder, "/")
	l, err := g.recent(r.Context(), name)
	if err != nil {
		refuse(w, err)
		return true
	}
	f := l.folders[folder]
	switch {
	case f == nil:
		return false
	case list:
		if _, file, err := l.contents.At(what); file || err != nil {
			return false
		}
		g.playlist(w, r, name, l, f)
	case !strings.HasSuffix(r.URL.Path, "/"):
		http.Redirect(w, r, g.FolderPath(name, folder), http.StatusFound)
	default:
		g.index(w, name, l, f)
	}
	return true
}

// numbered reports whether a request's Host is an IP address or localhost, which no name server can assign to a page.
func numbered(host string) bool {
	name := (&url.URL{Host: host}).Hostname()
	return net.ParseIP(name) != nil || strings.EqualFold(name, "localhost")
}

// find returns an entry of the last listing, or of a new one if it is not there.
func (g *Gateway) find(ctx context.Context, name events.Catalog, what string) (catalog.Entry, error) {
	if l := g.listed(name); l != nil {
		if e, err := l.contents.Find(what); err == nil {
			return e, nil
		}
	}
	l, err := g.list(ctx, name)
	if err != nil {
		return catalog.Entry{}, err
	}
	return l.contents.Find(what)
}

// open returns the open file of e; done must be called after use.
func (g *Gateway) open(name events.Catalog, e catalog.Entry) (f opened, done func(), err error) {
	key := source{catalog: name, hash: e.Hash, size: e.Size}
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return nil, nil, ErrClosed
	}
	s := g.files[key]
	if s == nil {
		s = &shared{}
		g.files[key] = s
	}
	g.clock++
	s.used = g.clock
	s.users++
	idle := g.evict()
	g.mu.Unlock()
	for _, old := range idle {
		_ = old.file.Close() // of a file that was only read
	}
	s.once.Do(func() { s.file, s.err = g.openOrFetch(name, e) }) // for concurrent requests too
	done = func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		s.users--
	}
	if err = s.err; err == nil {
		err = s.file.broken()
	}
	if err != nil {
		done()
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.files[key] == s {
			delete(g.files, key)
			delete(g.listings, name)
		}
		return nil, nil, err
	}
	return s.file, done, nil
}

// Prepare opens a file, or fetches it if its owner's server only sends whole ones, before it is asked for, and returns
// what prevents that. When ctx ends first, the gateway ends too.
func (g *Gateway) Prepare(ctx context.Context, name events.Catalog, e catalog.Entry) error {
	defer context.AfterFunc(ctx, g.stop)()
	_, done, err := g.open(name, e)
	if err != nil {
		return err
	}
	done()
	return ctx.Err()
}

func (g *Gateway) openOrFetch(name events.Catalog, e catalog.Entry) (opened, error) {
	f, err := g.c.Open(g.ctx, name, e)
	if err == nil {
		return f, nil
	}
	if !errors.Is(err, ErrNoRandomAccess) || e.Size > MaxFetched {
		return nil, err
	}
	var o Options
	if g.Fetching != nil {
		o.Progress = g.Fetching(e)
	}
	local, err := g.c.fetch(g.ctx, name, e, o)
	if err != nil {
		return nil, err
	}
	return local, nil
}

// evict removes files beyond [openFiles] that are not in use, those used longest ago first. The lock is held.
func (g *Gateway) evict() (idle []*shared) {
	for len(g.files) > openFiles {
		var key source
		var oldest *shared
		for k, s := range g.files {
			if s.users == 0 && s.file != nil && (oldest == nil || s.used < oldest.used) {
				key, oldest = k, s
			}
		}
		if oldest == nil {
			break
		}
		delete(g.files, key)
		idle = append(idle, oldest)
	}
	return idle
}

// statuses maps errors to HTTP.
var statuses = []struct {
	err    error
	status int
}{
	{catalog.ErrAmbiguous, http.StatusNotFound},
	{catalog.ErrNotFound, http.StatusNotFound},
	{ErrNotShared, http.StatusForbidden},
	{catalog.ErrChanged, http.StatusGone},
	{catalog.ErrAway, http.StatusServiceUnavailable},
	{ErrBusy, http.StatusServiceUnavailable},
	{ErrOffline, http.StatusServiceUnavailable},
	{ErrNoRandomAccess, http.StatusNotImplemented},
	{ErrTranscoded, http.StatusNotImplemented},
}

func refuse(w http.ResponseWriter, err error) {
	status := http.StatusBadGateway
	for _, row := range statuses {
		if errors.Is(err, row.err) {
			status = row.status
			break
		}
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, err.Error(), status)
}

// inline reports whether a browser shows a type without running anything in it.
func inline(mimeType string) bool {
	switch mimeType {
	case "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp", "application/pdf",
		"text/plain":
		return true
	}
	return strings.HasPrefix(mimeType, "video/") || strings.HasPrefix(mimeType, "audio/")
}

func etag(e catalog.Entry) string { return `"` + e.Hash.String() + `"` }

func setHeaders(h http.Header, e catalog.Entry) {
	h.Set("ETag", etag(e))
	kind, disposition := e.MIMEType, "inline"
	if !inline(kind) {
		kind, disposition = catalog.DefaultMIMEType, "attachment"
		h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	}
	if kind == "text/plain" {
		kind += "; charset=utf-8"
	}
	private(h, kind)
	if v := mime.FormatMediaType(disposition, map[string]string{"filename": path.Base(e.Path)}); v != "" {
		disposition = v
	}
	h.Set("Content-Disposition", disposition)
}

// private sets the headers of an answer that must not leave the browser: its URL has the token.
func private(h http.Header, contentType string) {
	h.Set("Content-Type", contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
}

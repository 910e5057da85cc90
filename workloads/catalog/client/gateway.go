package client

import (
	"context"
	"crypto/subtle"
	"errors"
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

// A Gateway is an [http.Handler] through which a player, browser or file manager on this machine reads remote files, seeking
// with Range:
//
//	GET /<token>/<catalog>/<path, or hash, or its unique beginning>
//	GET /<token>/<catalog>/<folder>/               a page to click through
//	GET /<token>/<catalog>/<folder>/playlist.m3u8  what can be played in it and below
//	PROPFIND, OPTIONS                              the same as a directory to mount: WebDAV, read-only
//
// Whoever does not know the token is told nothing, nor is a page under a name that somebody made point here: the address is
// one of numbers, or localhost. What a browser could run, such as a page or an SVG, is sent as an
// attachment of no particular type. Close it after use.
type Gateway struct {
	// Fetching, when set before use, is called for a file that its owner's server sends only as a whole: it is fetched into a
	// temporary file first. What it returns is told how far that is.
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

// shared is an open file and who uses it.
type shared struct {
	once  sync.Once
	file  *File
	err   error
	users int
	used  uint64
}

// Handler returns a gateway to the client's catalogs, for those who know the token, which must not be guessable
// ([crypto/rand.Text] is good).
func (c *Client) Handler(token string) *Gateway {
	ctx, stop := context.WithCancel(context.Background())
	return &Gateway{
		c: c, token: token, ctx: ctx, stop: stop,
		files: make(map[source]*shared), listings: make(map[events.Catalog]*listing),
	}
}

// Path is the URL path of a file.
func (g *Gateway) Path(name events.Catalog, e catalog.Entry) string {
	u := url.URL{Path: g.root(name) + "/" + e.Path}
	return u.EscapedPath()
}

// Close closes the files that are kept open; requests that are running fail.
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
	if r.Method == http.MethodOptions && numbered(r.Host) {
		options(w)
		return
	}
	if g.token == "" || !numbered(r.Host) || subtle.ConstantTimeCompare([]byte(token), []byte(g.token)) != 1 {
		http.NotFound(w, r)
		return
	}
	text, what, _ := strings.Cut(rest, "/")
	name, err := events.ParseCatalog(text)
	switch {
	case err != nil:
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
	e, f, done, err := g.lookUp(r.Context(), name, what)
	if errors.Is(err, catalog.ErrNotFound) || errors.Is(err, catalog.ErrChanged) { // since it was listed, which open has forgotten
		e, f, done, err = g.lookUp(r.Context(), name, what)
	}
	if err != nil {
		g.refuse(w, err)
		return
	}
	defer done()
	setHeaders(w.Header(), e)
	http.ServeContent(w, r, "", e.ModTime(), f.NewReader(r.Context()))
}

// serveFolder serves what is no file: a folder's page or playlist. It reports whether that is what was asked for.
func (g *Gateway) serveFolder(w http.ResponseWriter, r *http.Request, name events.Catalog, what string) bool {
	path, slash := strings.CutSuffix(what, "/")
	list := strings.HasSuffix("/"+what, "/"+PlaylistName)
	if list {
		path = strings.Trim(strings.TrimSuffix(what, PlaylistName), "/")
	} else if l := g.listed(name); !slash && what != "" && (l == nil || l.folders[what] == nil) {
		return false // a file, or none: without asking for the listing again
	}
	l, f, err := g.folder(r.Context(), name, path)
	switch {
	case err != nil:
		g.refuse(w, err)
	case f == nil:
		return false
	case list:
		if _, file, err := l.contents.At(what); file || err != nil {
			return false
		}
		g.playlist(w, r, name, f)
	case !strings.HasSuffix(r.URL.Path, "/"):
		http.Redirect(w, r, g.folderPath(name, path), http.StatusFound)
	default:
		g.index(w, r, name, l, f)
	}
	return true
}

// numbered tells whether a request's Host is an IP address or localhost, which no foreign name server can give away.
func numbered(host string) bool {
	name := (&url.URL{Host: host}).Hostname()
	return net.ParseIP(name) != nil || strings.EqualFold(name, "localhost")
}

// lookUp opens the file that what names; done gives it back.
func (g *Gateway) lookUp(ctx context.Context, name events.Catalog, what string) (e catalog.Entry, f *File, done func(), err error) {
	if e, err = g.find(ctx, name, what); err == nil {
		f, done, err = g.open(name, e)
	}
	return e, f, done, err
}

// find looks an entry up in the contents as last listed, and lists again when it is not there.
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

// open returns the open file of e; done gives it back.
func (g *Gateway) open(name events.Catalog, e catalog.Entry) (f *File, done func(), err error) {
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
		_ = old.file.Close() // never fails
	}
	s.once.Do(func() { s.file, s.err = g.openOrFetch(name, e) }) // for whoever comes next too
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

// Prepare opens a file, or fetches it where its owner's server sends only whole ones, so that it is there when it is asked for:
// what keeps it from being served is known at once. It gives up with ctx, and then the gateway is of no more use.
func (g *Gateway) Prepare(ctx context.Context, name events.Catalog, e catalog.Entry) error {
	defer context.AfterFunc(ctx, g.stop)()
	_, done, err := g.open(name, e)
	if err != nil {
		return err
	}
	done()
	return ctx.Err()
}

func (g *Gateway) openOrFetch(name events.Catalog, e catalog.Entry) (*File, error) {
	f, err := g.c.Open(g.ctx, name, e)
	if !errors.Is(err, ErrNoRandomAccess) || e.Size > MostFetched {
		return f, err
	}
	var told func(Progress)
	if g.Fetching != nil {
		told = g.Fetching(e)
	}
	return g.c.Fetch(g.ctx, name, e, Options{Progress: told})
}

// evict takes out the files that nobody uses and that were used longest ago, beyond [openFiles]. The lock is held.
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

// statuses is the one table from errors to HTTP.
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

func (g *Gateway) refuse(w http.ResponseWriter, err error) {
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

// inline are the types that a browser shows without running anything of theirs.
func inline(mimeType string) bool {
	switch mimeType {
	case "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp", "application/pdf", "text/plain":
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

package client

import (
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/dustin/go-humanize"

	"natster/events"
	"natster/workloads/catalog"
)

// PlaylistName is what a folder's playlist is called, where no file of the catalog has that name: all that can be heard or
// seen in the folder and below it, in order.
const PlaylistName = "playlist.m3u8"

// mostListed bounds the tracks of a playlist.
const mostListed = 10_000

//go:embed index.html
var indexSource string

var indexPage = template.Must(template.New("index").Parse(indexSource))

type indexRow struct {
	Name, Link, Icon, Size, Date string
}

// index shows a folder as a page to click through. It has no script, and shows names as [catalog.Shown] does.
func (g *Gateway) index(w http.ResponseWriter, r *http.Request, name events.Catalog, l *listing, f *folder) {
	base := g.folderPath(name, f.path)
	page := struct {
		Title    string
		Crumbs   []indexRow
		About    string
		Summary  string
		Playlist string
		Rows     []indexRow
	}{Title: name.String(), Crumbs: []indexRow{{Name: name.String(), Link: g.folderPath(name, "")}}}
	page.Summary = fmt.Sprintf("%s files, %s", humanize.Comma(int64(f.count)), humanize.Bytes(uint64(f.bytes)))
	if f.count == 1 {
		page.Summary = "1 file, " + humanize.Bytes(uint64(f.bytes))
	}
	if f.path == "" {
		page.About = l.contents.Description
	} else {
		at := ""
		for part := range strings.SplitSeq(f.path, "/") {
			at = path.Join(at, part)
			page.Crumbs = append(page.Crumbs, indexRow{Name: catalog.Shown(part), Link: g.folderPath(name, at)})
		}
		page.Title = catalog.Shown(f.name()) + " · " + page.Title
	}
	if len(playable(f, 1)) > 0 {
		page.Playlist = base + PlaylistName
	}
	for _, d := range f.folders {
		row := indexRow{Name: catalog.Shown(d.name()), Link: g.folderPath(name, d.path), Icon: "folder", Size: humanize.Bytes(uint64(d.bytes))}
		if !d.modified.IsZero() {
			row.Date = d.modified.Format("2006-01-02")
		}
		page.Rows = append(page.Rows, row)
	}
	for _, e := range f.files {
		row := indexRow{Name: catalog.Shown(path.Base(e.Path)), Link: g.Path(name, e), Icon: icon(e.MIMEType), Size: humanize.Bytes(uint64(e.Size))}
		if t := e.ModTime(); !t.IsZero() {
			row.Date = t.Format("2006-01-02")
		}
		page.Rows = append(page.Rows, row)
	}
	private(w.Header(), "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	if r.Method == http.MethodHead {
		return
	}
	if err := indexPage.Execute(w, page); err != nil {
		return // the browser went away: the page itself is well formed, or no test passes
	}
}

// icon is the picture beside a file of that type.
func icon(mimeType string) string {
	switch kind, _, _ := strings.Cut(mimeType, "/"); kind {
	case "video", "audio", "image":
		return kind
	}
	return "file"
}

// playlist answers with the folder's playlist: absolute addresses, so that it also plays from where a browser saved it.
func (g *Gateway) playlist(w http.ResponseWriter, r *http.Request, name events.Catalog, f *folder) {
	private(w.Header(), "audio/x-mpegurl")
	w.Header().Set("Content-Disposition", `inline; filename="`+name.String()+`.m3u8"`)
	if r.Method == http.MethodHead {
		return
	}
	var b strings.Builder
	b.WriteString("#EXTM3U\n")
	for _, e := range playable(f, mostListed) {
		title := strings.TrimSuffix(path.Base(e.Path), path.Ext(e.Path))
		fmt.Fprintf(&b, "#EXTINF:-1,%s\nhttp://%s%s\n", title, r.Host, g.Path(name, e))
	}
	_, _ = w.Write([]byte(b.String())) // a player that goes away is no matter
}

// playable are the first files in and below f that a player plays.
func playable(f *folder, most int) (found []catalog.Entry) {
	f.all(func(e catalog.Entry) bool {
		if k := icon(e.MIMEType); k == "video" || k == "audio" {
			found = append(found, e)
		}
		return len(found) < most
	})
	return found
}

// FolderPath is the URL path of a folder: its page, its playlist below it, and what a WebDAV client mounts. The catalog's own
// is "", others may end with a slash or not.
func (g *Gateway) FolderPath(name events.Catalog, folder string) string {
	return g.folderPath(name, strings.Trim(folder, "/"))
}

func (g *Gateway) folderPath(name events.Catalog, folder string) string {
	u := url.URL{Path: g.root(name) + "/"}
	if folder != "" {
		u.Path += folder + "/"
	}
	return u.EscapedPath()
}

func (g *Gateway) root(name events.Catalog) string { return "/" + g.token + "/" + name.String() }

// private sets the headers of a page of ours.
func private(h http.Header, contentType string) {
	h.Set("Content-Type", contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the URL has the token
}

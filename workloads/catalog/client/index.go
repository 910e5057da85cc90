package client

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"natster/events"
	"natster/workloads/catalog"
)

// PlaylistName is the name of a folder's playlist, unless a file of the catalog has it: everything in and below the
// folder that can be heard or seen, in order.
const PlaylistName = "playlist.m3u8"

// maxTracks bounds the tracks of a playlist.
const maxTracks = 10_000

//go:embed index.html
var indexSource string

var indexPage = template.Must(template.New("index").Parse(indexSource))

type indexRow struct {
	Name, Link, Icon, Size, Date string
}

func newRow(name, link, icon string, bytes int64, modified time.Time) indexRow {
	row := indexRow{Name: catalog.Shown(name), Link: link, Icon: icon, Size: humanize.Bytes(uint64(bytes))}
	if !modified.IsZero() {
		row.Date = modified.Format(time.DateOnly)
	}
	return row
}

// index shows a folder as a page to click through. It has no script, and shows names as [catalog.Shown] does.
func (g *Gateway) index(w http.ResponseWriter, name events.Catalog, l *listing, f *folder) {
	page := struct {
		Title    string
		Crumbs   []indexRow
		About    string
		Summary  string
		Playlist string
		Rows     []indexRow
	}{Title: name.String(), Crumbs: []indexRow{{Name: name.String(), Link: g.FolderPath(name, "")}}}
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
			page.Crumbs = append(page.Crumbs, indexRow{Name: catalog.Shown(part), Link: g.FolderPath(name, at)})
		}
		page.Title = catalog.Shown(path.Base(f.path)) + " · " + page.Title
	}
	if f.playable {
		page.Playlist = g.FolderPath(name, f.path) + PlaylistName
	}
	for _, d := range f.folders {
		link := g.FolderPath(name, d.path)
		page.Rows = append(page.Rows, newRow(path.Base(d.path), link, "folder", d.bytes, d.modified))
	}
	for _, e := range f.files {
		page.Rows = append(page.Rows, newRow(path.Base(e.Path), g.Path(name, e), icon(e), e.Size, e.ModTime()))
	}
	private(w.Header(), "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "+
		"form-action 'none'; frame-ancestors 'none'")
	_ = indexPage.Execute(w, page) // fails only if the browser is gone: the tests show that the page is well formed
}

// icon returns the name of the picture beside a file.
func icon(e catalog.Entry) string {
	switch kind, _, _ := strings.Cut(e.MIMEType, "/"); kind {
	case "video", "audio", "image":
		return kind
	}
	return "file"
}

// playable reports whether a player plays e.
func playable(e catalog.Entry) bool { return icon(e) == "video" || icon(e) == "audio" }

// playlist answers with the folder's playlist: absolute addresses, so that a copy that a browser saved plays too.
func (g *Gateway) playlist(w http.ResponseWriter, r *http.Request, name events.Catalog, l *listing, f *folder) {
	var b strings.Builder
	b.WriteString("#EXTM3U\n")
	n := 0
	for _, e := range l.contents.Entries {
		if n == maxTracks {
			break
		}
		if !playable(e) || f.path != "" && !strings.HasPrefix(e.Path, f.path+"/") {
			continue
		}
		title := strings.TrimSuffix(path.Base(e.Path), path.Ext(e.Path))
		fmt.Fprintf(&b, "#EXTINF:-1,%s\nhttp://%s%s\n", title, r.Host, g.Path(name, e))
		n++
	}
	private(w.Header(), "audio/x-mpegurl")
	w.Header().Set("Content-Disposition", `inline; filename="`+name.String()+`.m3u8"`)
	_, _ = io.WriteString(w, b.String()) // fails only if the player is gone
}

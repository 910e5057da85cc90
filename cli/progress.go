package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"natster/workloads/catalog/client"
	"natster/workloads/catalog/library"

	"github.com/dustin/go-humanize"
	"github.com/rivo/uniseg"
)

// A bar shows on stderr how far something is, in one line that it redraws. Where stderr is no terminal it shows nothing.
// Its methods may be called concurrently.
type bar struct {
	w      io.Writer
	style  style
	label  string
	now    func() time.Time
	number func(int64) string

	mu    sync.Mutex
	began time.Time
	first int64 // done when it began: what was there already is not speed
	drawn time.Time
	shown bool
	gone  bool
}

// redraw is how often a bar changes: often enough to move, seldom enough to read.
const redraw = 80 * time.Millisecond

func (e *env) bar(label string) *bar {
	return &bar{w: e.Stderr, style: e.err, label: label, now: time.Now, number: size}
}

// set shows that done of all bytes are done, and what is being done now.
func (b *bar) set(done, all int64, doing string) {
	if !b.style.terminal {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if b.gone || all == 0 {
		return
	}
	if b.began.IsZero() {
		b.began, b.first = now, done
	}
	if now.Sub(b.drawn) < redraw && b.shown {
		return
	}
	b.drawn, b.shown = now, true
	fmt.Fprint(b.w, "\r\x1b[K"+b.line(done, all, doing, now.Sub(b.began)))
}

// line is `label  ━━━━━━────  62%  1.2 GB of 2.0 GB  85 MB/s  9s left  path`, cut to the terminal's width.
func (b *bar) line(done, all int64, doing string, elapsed time.Duration) string {
	const cells = 24
	part := min(1, float64(done)/float64(all))
	full := int(part * cells)
	text := fmt.Sprintf("%s  %s%s  %3.0f%%  %s of %s", b.label,
		b.style.green(strings.Repeat("━", full)), b.style.dim(strings.Repeat("─", cells-full)), part*100, b.number(done), b.number(all))
	used := len(b.label) + 2 + cells + len(fmt.Sprintf("  100%%  %s of %s", b.number(done), b.number(all)))
	if speed := float64(done-b.first) / elapsed.Seconds(); elapsed > time.Second && speed > 0 {
		more := "  " + b.number(int64(speed)) + "/s"
		if left := time.Duration(float64(all-done) / speed * float64(time.Second)); left > time.Second {
			more += "  " + left.Round(time.Second).String() + " left"
		}
		text, used = text+more, used+len(more)
	}
	room := b.style.width - used - 3
	if doing == "" || room < 12 {
		return text
	}
	return text + "  " + b.style.dim(fit(doing, room))
}

// count is set for what is not bytes.
func (b *bar) count(done, all int64) {
	b.number = func(n int64) string { return humanize.Comma(n) }
	b.set(done, all, "")
}

// clear takes the bar away, for good.
func (b *bar) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shown {
		fmt.Fprint(b.w, "\r\x1b[K")
	}
	b.gone = true
}

// scan is the bar as a scan's progress.
func (b *bar) scan(p library.Progress) { b.set(p.Bytes, p.TotalBytes, p.Path) }

// download is the bar as a download's progress.
func (b *bar) download(p client.Progress) { b.set(p.AllDone, p.All, p.Path) }

// fit cuts s to so many columns, at its beginning: the end of a path says most.
func fit(s string, columns int) string {
	if uniseg.StringWidth(s) <= columns {
		return s
	}
	r := []rune(s)
	for len(r) > 0 && uniseg.StringWidth(string(r)) > columns-1 {
		r = r[1:]
	}
	return "…" + string(r)
}

package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/rivo/uniseg"

	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
	"natster/workloads/catalog/library"
)

// A bar shows on stderr how far something is, in one line that it redraws to fit the terminal as wide as it is then. Where
// stderr is no terminal it shows nothing. Its methods may be called concurrently.
type bar struct {
	w      io.Writer
	style  style
	label  string
	now    func() time.Time
	width  func() int // columns of the terminal now, or 0 if that is not known
	number func(int64) string

	mu    sync.Mutex
	fresh []measure // of the last moments: what the speed is made of
	most  int64     // of what was fresh
	came  time.Time // when that grew
	drawn time.Time
	used  int // columns of the line that stands there, or 0 for none
	gone  bool
}

// A state is how far something is.
type state struct {
	done, all int64
	fresh     int64  // of done, what was not there before: only that has a speed
	phase     string // what is being done, when that has no speed
	doing     string // what with
}

// A measure is how much was fresh at a time.
type measure struct {
	at    time.Time
	fresh int64
}

const (
	redraw  = 80 * time.Millisecond // often enough to move, seldom enough to read
	moments = 5 * time.Second       // the speed is that of so long
)

func (e *env) bar(label string) *bar {
	w := e.Stderr
	return &bar{w: w, style: e.err, label: label, now: time.Now, width: func() int { return columns(w) }, number: size}
}

// set shows s, unless something was shown just now.
func (b *bar) set(s state) {
	if !b.style.terminal {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if b.gone || s.all == 0 {
		return
	}
	speed := b.speed(&s, now)
	if now.Sub(b.drawn) < redraw && b.used > 0 {
		return
	}
	b.drawn = now
	width := b.width()
	text, used := b.line(s, speed, width)
	fmt.Fprint(b.w, b.erase(width)+text)
	b.used = used
}

// speed is how much a second has been fresh of late, or 0 when that cannot be told yet. While something comes, that is
// what s is doing, whatever else it does beside.
func (b *bar) speed(s *state, now time.Time) float64 {
	if s.fresh > b.most {
		b.most, b.came = s.fresh, now
	}
	if s.phase != "" && now.Sub(b.came) >= time.Second {
		b.fresh = nil
		return 0
	}
	s.phase = ""
	for len(b.fresh) > 1 && now.Sub(b.fresh[1].at) >= moments {
		b.fresh = b.fresh[1:]
	}
	if n := len(b.fresh); n == 0 || now.Sub(b.fresh[n-1].at) >= redraw {
		b.fresh = append(b.fresh, measure{now, s.fresh})
	}
	if took := now.Sub(b.fresh[0].at); took >= time.Second {
		return float64(s.fresh-b.fresh[0].fresh) / took.Seconds()
	}
	return 0
}

// erase takes away the line that stands there. A terminal that has become narrower than the line has broken it into several.
func (b *bar) erase(width int) string {
	if rows := (b.used - 1) / max(1, width); b.used > 0 && width > 0 && rows > 0 {
		return fmt.Sprintf("\r\x1b[%dA\x1b[J", rows)
	}
	return "\r\x1b[K"
}

// line is s in one line that fits, and how many columns it has. What there is no room for is left out, the last first:
//
//	label  ━━━━━━────  62%  1.2 GB of 2.0 GB  85 MB/s  9s left  path
func (b *bar) line(s state, speed float64, width int) (text string, used int) {
	const usual, most, least, tiny = 80, 24, 8, 3
	if width <= 0 {
		width = usual
	}
	room := width - 1 // the last column would break the line on some terminals
	part := min(1, float64(s.done)/float64(s.all))
	percent := fmt.Sprintf("%3d%%", int(part*100))
	label := b.label + "  "
	used = uniseg.StringWidth(label) + len(percent)
	if used > room {
		percent = strings.TrimSpace(percent)
		percent = percent[:max(0, min(len(percent), room))]
		return percent, len(percent)
	}
	more := b.more(s, speed)
	for len(more) > 0 && used+2+least+uniseg.StringWidth(strings.Join(more, "")) > room {
		more = more[:len(more)-1]
	}
	tail := strings.Join(more, "")
	used += uniseg.StringWidth(tail)
	cells := min(most, room-used-2)
	if cells < tiny {
		return label + percent, used
	}
	full := int(part * float64(cells))
	text = label + b.style.green(strings.Repeat("━", full)) + b.style.dim(strings.Repeat("─", cells-full)) + "  " + percent + tail
	used += cells + 2
	if left := room - used - 2; s.doing != "" && left >= 12 {
		doing := fit(s.doing, left)
		text += "  " + b.style.dim(doing)
		used += 2 + uniseg.StringWidth(doing)
	}
	return text, used
}

// more is what stands behind the percentage, where there is room.
func (b *bar) more(s state, speed float64) []string {
	all := []string{"  " + b.number(s.done) + " of " + b.number(s.all)}
	switch {
	case s.phase != "":
		all = append(all, "  "+s.phase)
	case speed > 0:
		all = append(all, "  "+b.number(int64(speed))+"/s")
		if left := time.Duration(float64(s.all-s.done) / speed * float64(time.Second)); left > time.Second {
			all = append(all, "  "+left.Round(time.Second).String()+" left")
		}
	}
	return all
}

// count is set for what is not bytes.
func (b *bar) count(done, all int64) {
	b.number = func(n int64) string { return humanize.Comma(n) }
	b.set(state{done: done, all: all, fresh: done})
}

// clear takes the bar away, for good.
func (b *bar) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used > 0 {
		fmt.Fprint(b.w, b.erase(b.width()))
	}
	b.gone = true
}

// scan is the bar as a scan's progress.
func (b *bar) scan(p library.Progress) {
	b.set(state{done: p.Bytes, all: p.TotalBytes, fresh: p.Bytes, doing: catalog.Shown(p.Path)})
}

// phases are what a download does that has no speed.
var phases = map[client.Phase]string{
	client.Checking: "checking what is there",
	client.Waiting:  "waiting for the owner",
}

// download is the bar as a download's progress.
func (b *bar) download(p client.Progress) {
	b.set(state{done: p.AllDone, all: p.All, fresh: p.Received, phase: phases[p.Phase], doing: catalog.Shown(p.Path)})
}

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

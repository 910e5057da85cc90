package term

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/rivo/uniseg"
)

// A Bar shows on stderr how far something is, in one line that it redraws to fit the terminal. If stderr is not a
// terminal it shows nothing. Its methods may be called concurrently.
type Bar struct {
	w      io.Writer
	style  Style
	label  string
	now    func() time.Time
	width  func() int // columns of the terminal now, or 0 if that is not known
	number func(int64) string

	mu    sync.Mutex
	speed Speed     // of what is fresh
	most  int64     // of what was fresh
	came  time.Time // when that grew
	drawn time.Time
	used  int // columns of the line on the terminal, or 0 for none
	gone  bool
}

// A State is how far something is.
type State struct {
	Done, All int64
	Fresh     int64  // the part of Done that was not there before: only that has a speed
	Phase     string // what is being done, when that has no speed
	Doing     string // the file that it is done with
}

const redraw = 80 * time.Millisecond // often enough to move, seldom enough to read

// Bar returns a bar on stderr.
func (p *Printer) Bar(label string) *Bar {
	width := func() int { n, _ := Dimensions(p.Stderr); return n }
	return &Bar{w: p.Stderr, style: p.Err, label: label, now: time.Now, width: width, number: Bytes}
}

// Set shows s, unless something was shown just now.
func (b *Bar) Set(s State) {
	if !b.style.Terminal {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if b.gone || s.All == 0 {
		return
	}
	speed := b.speedOf(&s, now)
	if now.Sub(b.drawn) < redraw && b.used > 0 {
		return
	}
	b.drawn = now
	width := b.width()
	text, used := b.line(s, speed, width)
	fmt.Fprint(b.w, b.erase(width)+text)
	b.used = used
}

// speedOf returns how much a second was fresh of late, or 0 when that is not known. While something comes, s has no
// phase, whatever else is done beside.
func (b *Bar) speedOf(s *State, now time.Time) float64 {
	if s.Fresh > b.most {
		b.most, b.came = s.Fresh, now
	}
	if s.Phase != "" && now.Sub(b.came) >= time.Second {
		b.speed = Speed{}
		return 0
	}
	s.Phase = ""
	return b.speed.At(now, s.Fresh)
}

// erase takes away the line that stands there. A terminal that has become narrower than the line has broken it into
// several.
func (b *Bar) erase(width int) string {
	if rows := (b.used - 1) / max(1, width); b.used > 0 && width > 0 && rows > 0 {
		return fmt.Sprintf("\r\x1b[%dA\x1b[J", rows)
	}
	return "\r\x1b[K"
}

// line returns s in one line that fits, and its columns. What does not fit is left out, the last first:
//
//	label  ━━━━━━────  62%  1.2 GB of 2.0 GB  85 MB/s  9s left  path
func (b *Bar) line(s State, speed float64, width int) (text string, used int) {
	const usual, most, least, tiny = 80, 24, 8, 3
	if width <= 0 {
		width = usual
	}
	room := width - 1 // the last column would break the line on some terminals
	part := min(1, float64(s.Done)/float64(s.All))
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
	text = label + b.style.Green(strings.Repeat("━", full)) + b.style.Dim(strings.Repeat("─",
		cells-full)) + "  " + percent + tail
	used += cells + 2
	if left := room - used - 2; s.Doing != "" && left >= 12 {
		doing := Fit(s.Doing, left)
		text += "  " + b.style.Dim(doing)
		used += 2 + uniseg.StringWidth(doing)
	}
	return text, used
}

// more returns what follows the percentage where it fits.
func (b *Bar) more(s State, speed float64) []string {
	all := []string{"  " + b.number(s.Done) + " of " + b.number(s.All)}
	switch {
	case s.Phase != "":
		all = append(all, "  "+s.Phase)
	case speed > 0:
		all = append(all, "  "+b.number(int64(speed))+"/s")
		if left := time.Duration(float64(s.All-s.Done) / speed * float64(time.Second)); left > time.Second {
			all = append(all, "  "+left.Round(time.Second).String()+" left")
		}
	}
	return all
}

// Count is Set for what is not bytes.
func (b *Bar) Count(done, all int64) {
	b.number = func(n int64) string { return humanize.Comma(n) }
	b.Set(State{Done: done, All: all, Fresh: done})
}

// Clear removes the bar; it shows nothing more.
func (b *Bar) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used > 0 {
		fmt.Fprint(b.w, b.erase(b.width()))
	}
	b.gone = true
}

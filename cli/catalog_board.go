package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rivo/uniseg"

	"natster/cli/term"
	"natster/events"
	"natster/workloads/catalog/server"
)

// A board is what serve shows on a terminal, at the end and redrawn in place: whether the account is connected, and who
// reads what, how fast.
//
//	connected  8.2 MB/s to 2 readers  1.4 GB sent since 14:03
//	bob    films  2024/holiday.mp4  8.1 MB/s
//	carol  pics   hills.jpg         110 kB/s
//
// A visit that is over becomes a line above it. Its methods may be called concurrently.
type board struct {
	w     io.Writer
	style term.Style
	size  func() (columns, rows int) // of the terminal now; 0 if not known
	now   func() time.Time
	who   func(events.Account) string
	path  func(events.Catalog, events.Hash) string

	mu     sync.Mutex
	began  time.Time
	up     bool
	lost   bool // whether the connection is
	sent   int64
	visits map[visitor]*visit
	shown  []int // columns of the lines on the terminal
	text   string
	ticked time.Time
}

// A visitor is an account at a catalog.
type visitor struct {
	account events.Account
	catalog events.Catalog
}

// A visit is what a visitor has done lately.
type visit struct {
	last  time.Time
	now   events.Hash // the file that was sent last
	files map[events.Hash]bool
	bytes int64
	speed term.Speed // of bytes
}

const (
	boardTick = 500 * time.Millisecond
	atRest    = 20 * time.Second // after so long without a request a visit is over
	boardMost = 6                // how many visits are shown
)

// board returns the board of this command, or nil if stdout is not a terminal.
func (s *session) board() *board {
	if !s.Out.Terminal || s.JSON {
		return nil
	}
	w := s.Stdout.Writer
	return &board{
		w: s.Stdout, style: s.Out, size: func() (int, int) { return term.Dimensions(w) }, now: time.Now, who: s.who,
		began: time.Now(), visits: make(map[visitor]*visit),
	}
}

// run redraws the board until ctx is done, and then removes it.
func (b *board) run(ctx context.Context, log *slog.Logger) {
	defer b.end()
	every(ctx, boardTick, func() {
		for _, line := range b.tick() {
			log.Info(line)
		}
	})
}

// observe takes in what a server did.
func (b *board) observe(a server.Activity) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := visitor{a.Caller, a.Catalog}
	v := b.visits[k]
	if v == nil {
		v = &visit{files: make(map[events.Hash]bool)}
		b.visits[k] = v
	}
	v.last = b.now()
	switch a.Verb {
	case events.VerbDownload:
		v.files[a.Hash], v.now = true, a.Hash
	case events.VerbFetch:
		v.now = a.Hash
		v.bytes += a.Size
		b.sent += a.Size
	}
}

// connected shows whether the account is connected.
func (b *board) connected(is bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lost = !is
}

// Write prints text above the board, for a log.
func (b *board) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clear()
	n, err := b.w.Write(text)
	if b.up {
		b.draw()
	}
	return n, err
}

// tick redraws the board if it changed. It returns a line for each visit that is over.
func (b *board) tick() (over []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if now.Sub(b.ticked) > 6*boardTick && !b.ticked.IsZero() {
		// The process was stopped: the terminal shows other things now.
		b.shown, b.text = nil, ""
	}
	b.ticked, b.up = now, true
	for k, v := range b.visits {
		if now.Sub(v.last) > atRest {
			delete(b.visits, k)
			over = append(over, b.summary(k, v))
		}
	}
	slices.Sort(over)
	b.draw()
	return over
}

// end removes the board.
func (b *board) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clear()
	b.up = false
}

// summary returns a visit in a line.
func (b *board) summary(k visitor, v *visit) string {
	what := term.Count(len(v.files), "file")
	switch len(v.files) {
	case 0:
		return fmt.Sprintf("%s looked at %s", b.who(k.account), k.catalog)
	case 1:
		what = b.path(k.catalog, v.now)
	}
	return fmt.Sprintf("%s read %s of %s, %s", b.who(k.account), what, k.catalog, term.Bytes(v.bytes))
}

// draw shows the board as it is now, if it changed. The lock is held.
func (b *board) draw() {
	columns, rows := b.size()
	if columns <= 0 {
		columns = 80
	}
	lines := b.lines(columns-1, rows) // the last column would break a line on some terminals
	text := strings.Join(lines, "\n")
	if text == b.text && len(b.shown) > 0 {
		return
	}
	b.clear()
	_, _ = io.WriteString(b.w, text) // what is lost is drawn again
	b.text = text
	for _, l := range lines {
		b.shown = append(b.shown, uniseg.StringWidth(term.Plain(l)))
	}
}

// clear removes the board from the terminal. One that has become narrower has wrapped the lines. The lock is held.
func (b *board) clear() {
	if len(b.shown) == 0 {
		return
	}
	columns, _ := b.size()
	up := -1
	for _, used := range b.shown {
		up++
		if columns > 0 {
			up += max(0, used-1) / columns
		}
	}
	erase := "\r"
	if up > 0 {
		erase += fmt.Sprintf("\x1b[%dA", up)
	}
	_, _ = io.WriteString(b.w, erase+"\x1b[J") // what is left is drawn over
	b.shown, b.text = nil, ""
}

// lines returns the lines of the board, each of at most so many columns. The lock is held.
func (b *board) lines(columns, rows int) []string {
	now := b.now()
	var all []reader
	var total float64
	reading := 0
	for k, v := range b.visits {
		r := reader{visitor: k, visit: v, name: b.who(k.account), speed: v.speed.At(now, v.bytes)}
		total += r.speed
		if r.speed > 0 {
			reading++
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(x, y reader) int {
		return cmp.Or(cmp.Compare(x.name, y.name), strings.Compare(x.catalog.String(), y.catalog.String()))
	})
	parts := []string{b.style.Green("connected")}
	if b.lost {
		parts[0] = b.style.Red("not connected, trying again")
	}
	switch {
	case reading > 0:
		parts = append(parts, term.Rate(int64(total), 1)+" to "+term.Count(reading, "reader"))
	case !b.lost && len(all) == 0:
		parts = append(parts, "nobody reads now")
	}
	if b.sent > 0 {
		parts = append(parts, fmt.Sprintf("%s sent since %s", term.Bytes(b.sent), b.began.Format("15:04")))
	}
	first := strings.Join(parts, "  ")
	for len(parts) > 1 && uniseg.StringWidth(term.Plain(first)) > columns {
		parts = parts[:len(parts)-1]
		first = strings.Join(parts, "  ")
	}
	if uniseg.StringWidth(term.Plain(first)) > columns {
		first = term.Fit(term.Plain(first), columns)
	}
	most := boardMost
	if rows > 0 {
		most = max(0, min(most, rows-3))
	}
	return append([]string{first}, b.readers(all, most, columns)...)
}

// A reader is a visit as a line of the board.
type reader struct {
	visitor
	*visit
	name  string
	speed float64
}

// readers returns a line of at most so many columns for each of all, or for the first most and the number of others.
func (b *board) readers(all []reader, most, columns int) (lines []string) {
	shown := all[:min(len(all), most)]
	names, catalogs := 0, 0
	for _, r := range shown {
		names = max(names, uniseg.StringWidth(r.name))
		catalogs = max(catalogs, uniseg.StringWidth(r.catalog.String()))
	}
	for _, r := range shown {
		what, speed := "looks around", ""
		if !r.now.IsZero() {
			what = b.path(r.catalog, r.now)
		}
		if r.speed > 0 {
			speed = "  " + term.Rate(int64(r.speed), 1)
		}
		head := term.Pad(r.name, names) + "  " + term.Pad(r.catalog.String(), catalogs) + "  "
		room := columns - uniseg.StringWidth(head) - uniseg.StringWidth(speed)
		switch {
		case room >= 8:
			lines = append(lines, head+b.style.Dim(term.Fit(what, room))+speed)
		case uniseg.StringWidth(r.name+speed) <= columns: // a narrow terminal: who, and how fast
			lines = append(lines, r.name+speed)
		default:
			lines = append(lines, term.Fit(r.name, columns))
		}
	}
	if more := len(all) - len(shown); more > 0 {
		lines = append(lines, term.Fit(fmt.Sprintf("and %d more", more), columns))
	}
	return lines
}

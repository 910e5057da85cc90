package term

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rivo/uniseg"

	"natster/internal/brief"
)

func TestTablesLineUp(t *testing.T) {
	var out bytes.Buffer
	p := New(&out, &out, func(string) string { return "" }, func() {})
	tb := Table{Head: []string{"EMPTY", "PATH", "SIZE", "NOTE"}, End: []int{2}, Empty: "nothing"}
	tb.Row("", "a", Bytes(1), "")
	tb.Row("", "日本.mp4", Bytes(1_234_567), "x")
	p.Table(tb)
	want := "PATH        SIZE  NOTE\na            1 B\n日本.mp4  1.2 MB  x\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", &out, want)
	}
	out.Reset()
	if p.Table(Table{Empty: "nothing here"}); out.String() != "nothing here\n" {
		t.Errorf("an empty table is %q", out.String())
	}
}

func TestShellWords(t *testing.T) {
	for word, want := range map[string]string{"a/b.c-d": "a/b.c-d", "a b": "'a b'", "it's": `'it'\''s'`, "": "''",
		"$(x)": "'$(x)'", "~": "'~'"} {
		if got := ShellWord(word); got != want {
			t.Errorf("%q becomes %s, want %s", word, got, want)
		}
	}
}

// A testBar is a bar on a terminal whose clock and width are set.
type testBar struct {
	*Bar
	out  bytes.Buffer
	time time.Time
	cols int
}

func newTestBar(columns int) *testBar {
	b := &testBar{time: time.Unix(0, 0), cols: columns}
	b.Bar = &Bar{w: &b.out, style: Style{Terminal: true}, label: "films", number: Bytes,
		now: func() time.Time { return b.time }, width: func() int { return b.cols }}
	return b
}

// after shows s when d has passed, and returns what is written.
func (b *testBar) after(d time.Duration, s State) string {
	b.time = b.time.Add(d)
	b.out.Reset()
	b.Set(s)
	return b.out.String()
}

func TestTheBarSaysHowFarAndGoesAway(t *testing.T) {
	b := newTestBar(100)
	b.after(0, State{Done: 500, All: 10_000, Fresh: 500, Doing: "a.mp4"})
	last := b.after(2*time.Second, State{Done: 5_000, All: 10_000, Fresh: 5_000,
		Doing: "2024/a very long path/that does not fit/into the line.mp4"})
	for _, part := range []string{"films", "50%", "5.0 kB of 10 kB", "2.3 kB/s", "2s left", "line.mp4"} {
		if !strings.Contains(last, part) {
			t.Errorf("%q has no %q", last, part)
		}
	}
	if again := b.after(time.Millisecond, State{Done: 5_001, All: 10_000, Doing: "too soon"}); again != "" {
		t.Errorf("drawn again at once: %q", again)
	}
	b.out.Reset()
	if b.Clear(); b.out.String() != "\r\x1b[K" {
		t.Errorf("not cleared: %q", b.out.String())
	}
	if late := b.after(time.Second, State{Done: 6_000, All: 10_000}); late != "" {
		t.Errorf("drawn again after it was cleared: %q", late)
	}
	b = newTestBar(100)
	b.style.Terminal = false
	if b.after(0, State{Done: 1, All: 2}); b.out.Len() > 0 {
		t.Errorf("where no terminal is: %q", b.out.String())
	}
}

func TestTheBarFitsEveryWidth(t *testing.T) {
	for _, label := range []string{"films", "日本", "", strings.Repeat("long", 40)} {
		for columns := range 130 {
			b := newTestBar(columns)
			b.label = label
			s := State{Done: 123_456_789, All: 9_876_543_210, Fresh: 1,
				Doing: "2024/日本 a very long path/that does not fit/into the line.mp4"}
			b.after(0, s)
			s.Fresh = 100_000_000
			text, _ := strings.CutPrefix(b.after(2*time.Second, s), b.erase(columns))
			n := uniseg.StringWidth(text)
			if most := columns - 1; columns > 0 && n > max(0, most) || n != b.used || strings.ContainsAny(text,
				"\r\n\x1b") {
				t.Errorf("%d columns on a terminal of %d, taken for %d: %q", n, columns, b.used, text)
			}
			if columns > 5 && !strings.Contains(text, "1%") {
				t.Errorf("a terminal of %d columns does not show how far it is: %q", columns, text)
			}
		}
	}
}

func TestALineThatTheTerminalBrokeIsErasedAsAWhole(t *testing.T) {
	b := newTestBar(120)
	s := State{Done: 50_000, All: 100_000, Fresh: 50_000, Doing: strings.Repeat("path/", 40)}
	b.after(0, s)
	if b.used != 119 {
		t.Fatalf("the line is %d columns long", b.used)
	}
	for _, narrow := range []struct {
		columns int
		erase   string
	}{{60, "\r\x1b[1A\x1b[J"}, {20, "\r\x1b[2A\x1b[J"}, {20, "\r\x1b[K"}, {120, "\r\x1b[K"}, {118, "\r\x1b[1A\x1b[J"}} {
		b.cols = narrow.columns
		if got := b.after(time.Second, s); !strings.HasPrefix(got, narrow.erase) {
			t.Errorf("on a terminal that has %d columns now: %q, want %q first", narrow.columns, got, narrow.erase)
		}
	}
}

func TestWhatWasThereBeforeIsNoSpeed(t *testing.T) {
	b := newTestBar(100)
	for at := int64(0); at < 900; at += 100 { // 800 MB are found again within a moment
		got := b.after(100*time.Millisecond, State{Done: at << 20, All: 1000 << 20, Phase: "checking what is there"})
		if strings.Contains(got, "/s") || !strings.Contains(got, "checking what is there") {
			t.Errorf("while checking: %q", got)
		}
	}
	var got string
	for i := range int64(30) { // and then 1 MB comes a second
		got = b.after(100*time.Millisecond, State{Done: 800<<20 + i*100_000, All: 1000 << 20, Fresh: i * 100_000})
	}
	if !strings.Contains(got, "  1.0 MB/s") {
		t.Errorf("after 3 s: %q", got)
	}
	for range 30 { // the owner is gone for a while, and what came before is no speed then
		got = b.after(100*time.Millisecond, State{Done: 803 << 20, All: 1000 << 20, Fresh: 29 * 100_000,
			Phase: "waiting for the owner"})
	}
	if strings.Contains(got, "/s") || !strings.Contains(got, "waiting for the owner") {
		t.Errorf("while waiting: %q", got)
	}
	for i := int64(30); i < 110; i++ { // the way is better now: soon it shows
		got = b.after(100*time.Millisecond, State{Done: 800<<20 + i*1_000_000, All: 1000 << 20, Fresh: i * 1_000_000})
	}
	if !strings.Contains(got, "  10 MB/s") {
		t.Errorf("after 8 s more: %q", got)
	}
}

// What a caller forgot to quote is harmless all the same, and the printer's own colours stay.
func TestWhatIsPrintedDoesNotActOnTheTerminal(t *testing.T) {
	const hostile = "a\nb\x1b[2J\x1b[31mred\u202e\u009b\r"
	for _, colours := range []bool{false, true} {
		var out, notes, table bytes.Buffer
		p := New(&out, &notes, func(string) string { return "" }, func() {})
		p.Out.Colours, p.Err.Colours = colours, colours
		p.Say("%s, %s, %v", hostile, p.Out.Bold(hostile), errors.New(hostile))
		p.Note("%s", hostile)
		said := out.String()
		out.Reset()
		tab := Table{Head: []string{"HEAD"}}
		tab.Row(hostile)
		p.Table(tab)
		table.WriteString(strings.TrimPrefix(out.String(), p.Out.Dim("HEAD")+"\n"))
		for _, text := range []string{said, notes.String(), table.String()} {
			rest, ends := strings.CutSuffix(text, "\n")
			if colours {
				rest = regexp.MustCompile("\x1b\\[(0|1|31)m").ReplaceAllString(rest, "")
			}
			if !ends || strings.ContainsFunc(rest, brief.Deceives) {
				t.Errorf("colours %v: %q", colours, text)
			}
		}
		if colours && !strings.Contains(said, "\x1b[1m") {
			t.Errorf("the colours are gone: %q", said)
		}
		p.InJSON()
		out.Reset()
		if err := p.Print(map[string]string{"a": hostile + "\x7f"}, nil); err != nil {
			t.Fatal(err)
		}
		var back map[string]string
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || back["a"] != hostile+"\x7f" {
			t.Errorf("JSON: %q, %v", back, err)
		}
		if strings.ContainsFunc(strings.ReplaceAll(out.String(), "\n", ""), brief.Deceives) {
			t.Errorf("JSON: %q", out.String())
		}
	}
}

func TestABlockKeepsItsLines(t *testing.T) {
	var out bytes.Buffer
	p := New(&out, &out, func(string) string { return "" }, func() {})
	p.Say("%s", Block("one\ntwo\r"))
	if out.String() != "one\ntwo \n" {
		t.Errorf("%q", out.String())
	}
}

package brief_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"natster/internal/brief"
)

func TestTextIsClippedBetweenRunes(t *testing.T) {
	for s, want := range map[string]string{
		"":                            "",
		strings.Repeat("a", 120):      strings.Repeat("a", 120),
		strings.Repeat("a", 121):      strings.Repeat("a", 120) + "…",
		strings.Repeat("€", 41):       strings.Repeat("€", 40) + "…",
		strings.Repeat("ä", 61):       strings.Repeat("ä", 60) + "…",
		"a" + strings.Repeat("ä", 61): "a" + strings.Repeat("ä", 59) + "…",
	} {
		if got := brief.Clip(s); got != want {
			t.Errorf("Clip(%q) = %q", s, got)
		}
	}
}

func TestAHeaderHasOneShortLine(t *testing.T) {
	for s, want := range map[string]string{
		"":               "",
		"as it is: ä":    "as it is: ä",
		"two\r\nlines\t": "two  lines ",
		"\x00\x1b[31m":   "  [31m",
	} {
		if got := brief.Line(s); got != want {
			t.Errorf("Line(%q) = %q", s, got)
		}
	}
	if got := brief.Line("a" + strings.Repeat("ä", 300)); len(got) != 511 || !utf8.ValidString(got) {
		t.Errorf("a long line has %d bytes", len(got))
	}
}

func TestAQuotationIsOneLineThatShowsWhatItHides(t *testing.T) {
	for s, want := range map[string]string{
		"":                              `""`,
		"so it is: ä":                   `"so it is: ä"`,
		"a\nnatster: b\"":               `"a\nnatster: b\""`,
		"\x1b[2J\u202e\u009b\xff\u2066": `"\x1b[2J\u202e\u009b\xff\u2066"`,
		strings.Repeat("a", 121):        `"` + strings.Repeat("a", 120) + `…"`,
		"\u2028":                        `"\u2028"`,
	} {
		got := brief.Quote(s)
		if got != want || strings.ContainsFunc(got, brief.Deceives) {
			t.Errorf("Quote(%q) = %s", s, got)
		}
	}
}

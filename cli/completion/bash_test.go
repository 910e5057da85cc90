package completion

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestBashWordsAreUnderstoodHalfTypedAndQuoted(t *testing.T) {
	for _, c := range []struct {
		words  []string
		line   string // or none
		meant  []string
		become string // a completion of the last word
		insert string
	}{
		{[]string{"get", "films", ""}, " get films ", []string{"get", "films", ""}, "a b.txt", `a\ b.txt`},
		{[]string{"get", "films", `two\ c`}, "", []string{"get", "films", "two c"}, "two circles.png",
			`two\ circles.png`},
		{[]string{"get", "films", `"two c`}, "", []string{"get", "films", "two c"}, "two circles.png",
			"two circles.png"},
		{[]string{"get", "films", `'two c`}, "", []string{"get", "films", "two c"}, "two circles.png",
			"two circles.png"},
		{[]string{"get", "films", `a/"two c`}, "", []string{"get", "films", "a/two c"}, "a/two circles.png",
			"two circles.png"},
		{[]string{"get", "films", `"two c"i`}, "", []string{"get", "films", "two ci"}, "two circles.png",
			`two\ circles.png`},
		{[]string{"get", "films", `two\`}, "", []string{"get", "films", "two"}, "two circles.png", `two\ circles.png`},
		{[]string{"get", "films", "it"}, "", []string{"get", "films", "it"}, "it's (here).txt", `it\'s\ \(here\).txt`},
		{[]string{"get", "films", `'it`}, "", []string{"get", "films", "it"}, "it's (here).txt", `it'\''s (here).txt`},
		{[]string{"get", "films", `'it'\''s`}, "", []string{"get", "films", "it's"}, "it's (here).txt", "s (here).txt"},
		{[]string{"get", "films", `"it`}, "", []string{"get", "films", "it"}, `it's "$5".txt`, `it's \"\$5\".txt`},
		{[]string{"get", "films", `"cost \$`}, "", []string{"get", "films", "cost $"}, "cost $5", `cost \$5`},
		{[]string{"get", "films", `"a\b`}, "", []string{"get", "films", `a\b`}, `a\bc`, `a\\bc`},
		{[]string{"get", "a", "Grü"}, "", []string{"get", "a", "Grü"}, "Grüße 日本.txt", `Grüße\ 日本.txt`},
		{[]string{"get", "films", "10", ":", "30"}, " get films 10:30", []string{"get", "films", "10:30"},
			"10:30 news.mp4", `30\ news.mp4`},
		{[]string{"get", "films", "10", ":"}, " get films 10:", []string{"get", "films", "10:"}, "10:30 news.mp4",
			`30\ news.mp4`},
		{[]string{"get", "films", `10\:3`}, ` get films 10\:3`, []string{"get", "films", "10:3"}, "10:30.mp4",
			`10\:30.mp4`},
		{[]string{"--context", "=", "b"}, " --context=b", []string{"--context=b"}, "--context=bob", "bob"},
		{[]string{"--context", "="}, " --context=", []string{"--context="}, "--context=bob", "bob"},
		{[]string{"get", `two\ words`, "--all", ""}, ` get two\ words   --all `,
			[]string{"get", "two words", "--all", ""}, "x", "x"},
		{[]string{"get", "$(rm -rf /)", "x"}, "", []string{"get", "$(rm -rf /)", "x"}, "xy", "xy"},
	} {
		meant, insert := BashWords(c.words, c.line)
		if !slices.Equal(meant, c.meant) {
			t.Errorf("%q means %q, want %q", c.words, meant, c.meant)
		}
		if got := insert(c.become); got != c.insert {
			t.Errorf("%q becomes %s, want %s", c.words, got, c.insert)
		}
	}
}

// What is inserted for a name means that name, whatever was typed before and however it was quoted.
func FuzzBashWords(f *testing.F) {
	for _, s := range []string{"two circles", `it's "here"`, `a\b`, "10:30", "$(x)`y`", "~/x", "日本 !"} {
		for _, open := range []string{"", `"`, "'"} {
			f.Add(open, s, 2)
		}
	}
	f.Fuzz(func(t *testing.T, open, name string, typed int) {
		if open != "" && open != `"` && open != "'" {
			return
		}
		if !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
			return
		}
		for typed = max(0, min(typed, len(name))); !utf8.ValidString(name[:typed]); {
			typed--
		}
		start := open + bashWord{quote: (open + "\x00")[0]}.insert(name[:typed])
		w := parseBashWord(start, 0)
		if w.meant != name[:typed] {
			t.Fatalf("%s is taken for %q, not %q", start, w.meant, name[:typed])
		}
		stays := 0 // on the command line: all up to the open quote
		switch open {
		case `"`:
			stays = 1
		case "'":
			stays = strings.LastIndex(start, "'") + 1
		}
		whole := start[:stays] + w.insert(name) + open
		if got := parseBashWord(whole, 0); got.meant != name || got.quote != 0 {
			t.Errorf("%s is taken for %q, with %q open, not for %q", whole, got.meant, got.quote, name)
		}
	})
}

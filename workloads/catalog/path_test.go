package catalog

import (
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"natster/internal/brief"
)

// The page's tests read the same table.
func TestTheOneRuleOfNames(t *testing.T) {
	var table struct {
		Paths []struct {
			Path, End, Why, Shown string
			Times                 int
			Windows               bool
		}
		Characters map[string][]string
		Listed     []struct{ Path, Means string }
	}
	data, err := os.ReadFile("testdata/paths.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &table); err != nil {
		t.Fatal(err)
	}
	for _, c := range table.Paths {
		p := strings.Repeat(c.Path, max(1, c.Times)) + c.End
		err := CheckPath(p)
		if c.Why == "" && err != nil || c.Why != "" &&
			(!errors.Is(err, ErrPath) || !strings.Contains(err.Error(), c.Why)) {
			t.Errorf("CheckPath(%q): %v, want %q", brief.Clip(p), err, c.Why)
		}
		if c.Why != "" {
			continue
		}
		want := c.Shown
		if want == "" {
			want = p
		}
		if got := Shown(p); got != want {
			t.Errorf("Shown(%q) = %q", brief.Clip(p), got)
		}
		if err := CheckOn("windows", p); errors.Is(err, ErrSystem) != c.Windows {
			t.Errorf("CheckOn(windows, %q): %v", brief.Clip(p), err)
		}
		if err := CheckOn("linux", p); err != nil {
			t.Errorf("CheckOn(linux, %q): %v", brief.Clip(p), err)
		}
	}
	fate := make(map[rune]string)
	for what, ranges := range table.Characters {
		for _, r := range ranges {
			from, to, ok := strings.Cut(r, "-")
			if !ok {
				to = from
			}
			first, err := strconv.ParseInt(from, 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			last, err := strconv.ParseInt(to, 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			for c := first; c <= last; c++ {
				fate[rune(c)] = what
			}
		}
	}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		p, got := "a"+string(r)+"b", ""
		if CheckPath(p) != nil {
			got = "refused"
		} else if Shown(p) != p {
			got = "escaped"
		}
		if got != fate[r] {
			t.Errorf("%U is %q, want %q", r, got, fate[r])
		}
	}
	for _, c := range table.Listed {
		if got := CleanListed(c.Path); got != c.Means {
			t.Errorf("CleanListed(%q) = %q", c.Path, got)
		}
	}
	for _, p := range []string{"\xff", "a/\xc3"} { // which JSON cannot say
		if err := CheckPath(p); !errors.Is(err, ErrPath) {
			t.Errorf("CheckPath(%q): %v", p, err)
		}
	}
}

func FuzzShown(f *testing.F) {
	f.Add("a\u200b\u200d\u200f.txt")
	f.Add("\u200c")
	f.Fuzz(func(t *testing.T, p string) {
		if CheckPath(p) != nil {
			return
		}
		s := Shown(p)
		if !utf8.ValidString(s) || strings.ContainsFunc(s, unseen) || Shown(s) != s {
			t.Fatalf("%q is shown as %q", p, s)
		}
	})
}

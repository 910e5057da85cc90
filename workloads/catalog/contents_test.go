package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

const someHash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

func listing(entries ...string) []byte {
	return []byte(`{"name":"films","description":"mine","entries":[` + strings.Join(entries, ",") + `]}`)
}

// parse reads a listing as a client does.
func parse(listing []byte) (Contents, error) {
	var r GetReply
	if err := json.Unmarshal(listing, &r); err != nil {
		return Contents{}, err
	}
	return r.Contents()
}

func contents(t testing.TB, listing []byte) Contents {
	t.Helper()
	c, err := parse(listing)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func entry(path string) string {
	p, _ := json.Marshal(path)
	return fmt.Sprintf(`{"path":%s,"description":"d","mime_type":"video/mp4","byte_size":3,"hash":%q}`, p, someHash)
}

func TestAHostileListingIsCleaned(t *testing.T) {
	for name, tc := range map[string]struct {
		entries []string
		want    string // paths that remain
		refused int
	}{
		"good":                   {[]string{entry("a"), entry("b/c")}, "a b/c", 0},
		"leads out":              {[]string{entry("../a"), entry("b")}, "b", 1},
		"absolute":               {[]string{entry("//etc/passwd"), entry("///b"), entry("/"), entry("b")}, "b", 3},
		"an original server's":   {[]string{entry("/a"), entry("/b/c"), entry("/b")}, "a b", 1},
		"twice, with a slash":    {[]string{entry("a"), entry("/a"), entry("/.b")}, "a", 2},
		"newline and NUL":        {[]string{entry("a\nb"), entry("a\x00b")}, "", 2},
		"twice":                  {[]string{entry("a"), entry("a")}, "a", 1},
		"file and directory":     {[]string{entry("a/b/c"), entry("a")}, "a", 1},
		"name that begins alike": {[]string{entry("a b/c"), entry("a")}, "a b/c a", 0},
		"negative size":          {[]string{strings.Replace(entry("a"), ":3", ":-3", 1), entry("b")}, "b", 1},
		"size beyond 63 bits": {[]string{strings.Replace(entry("a"), ":3", ":9223372036854775808", 1), entry("b")},
			"b", 1},
		"size as text":            {[]string{strings.Replace(entry("a"), ":3", `:"3"`, 1), entry("b")}, "b", 1},
		"hash in capitals":        {[]string{strings.Replace(entry("a"), "9f86", "9F86", 1), entry("b")}, "b", 1},
		"no hash":                 {[]string{strings.Replace(entry("a"), someHash, "", 1), entry("b")}, "b", 1},
		"other types":             {[]string{"null", "7", `"a"`, "[]", "{}", entry("b")}, "b", 5},
		"unknown fields are fine": {[]string{strings.Replace(entry("a"), "{", `{"x":[1,{}],`, 1)}, "a", 0},
		"hidden":                  {[]string{entry(".bashrc"), entry("a/.git/config")}, "", 2},
		// the JSON decoder repairs it
		"not UTF-8": {[]string{strings.Replace(entry("aXb"), "X", "\xff", 1)}, "a\ufffdb", 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := contents(t, listing(tc.entries...))
			var paths []string
			for _, e := range c.Entries {
				paths = append(paths, e.Path)
			}
			if got := strings.Join(paths, " "); got != tc.want || len(c.Refused) != tc.refused {
				t.Errorf("remains %q, refused %v", got, c.Refused)
			}
		})
	}
}

func TestWhatIsNotAListingIsRefused(t *testing.T) {
	for _, s := range []string{"null", "{}"} {
		if _, err := parse([]byte(s)); !errors.Is(err, ErrContents) {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{
		"", "x", "[]", "7", `{"name":"a.b","entries":[]}`, `{"name":"none"}`, `{"name":7}`,
		`{"name":"films","entries":{}}`, `{"name":"films"`, strings.Repeat("[", 100_000), `{"name":"films","entries":` +
			strings.Repeat("[", 100_000),
	} {
		if _, err := parse([]byte(s)); err == nil {
			t.Errorf("%.40q is a listing", s)
		}
	}
}

func TestTextOfAListingCannotPlayWithTheTerminal(t *testing.T) {
	e := strings.Replace(entry("a"), `"d"`, `"one\u001b[2J\ntwo\u202e"`, 1)
	e = strings.Replace(e, "video/mp4", `Text/HTML; charset=\"x\u001b\"`, 1)
	c := contents(t, listing(e))
	if got := c.Entries[0]; got.Description != "one [2J two" ||
		(got.MIMEType != DefaultMIMEType && got.MIMEType != "text/html") {
		t.Errorf("%+v", got)
	}
	if got := CleanDescription(strings.Repeat("é", MaxDescription)); len(got) > MaxDescription {
		t.Errorf("a description of %d bytes", len(got))
	}
	for in, want := range map[string]string{
		"video/mp4": "video/mp4", "TEXT/Plain; charset=utf-8": "text/plain", "": DefaultMIMEType, "x": DefaultMIMEType,
		"a/b/c": DefaultMIMEType, "\x1b/x": DefaultMIMEType, strings.Repeat("a", 300) + "/b": DefaultMIMEType,
	} {
		if got := CleanMIMEType(in); got != want {
			t.Errorf("CleanMIMEType(%q) = %q", in, got)
		}
	}
}

func TestAnOriginalListingIsTakenAsItIsMeant(t *testing.T) {
	e := strings.Replace(entry("/README.txt"), `"d"`, `"Auto-imported library entry"`, 1)
	e = strings.Replace(e, "video/mp4", "text/plain; charset", 1)
	c, err := parse(listing(e))
	if err != nil || len(c.Entries) != 1 {
		t.Fatal(c.Refused, err)
	}
	if got := c.Entries[0]; got.Path != "README.txt" || got.Description != "" || got.MIMEType != "text/plain" {
		t.Errorf("%+v", got)
	}
	if e, err := c.Find("/README.txt"); err != nil || e.Path != "README.txt" {
		t.Errorf("as its owner types it: %v, %v", e, err)
	}
}

func TestTheTimeOfAFileTravels(t *testing.T) {
	for value, want := range map[string]int64{
		"1565157904": 1565157904, "-86400": -86400, "0": 0, "null": 0, "1.5": 0, `"2019-08-07"`: 0, "{}": 0,
		"9223372036854775807": 0, "-9223372036854775808": 0, "99999999999999999999": 0, "253402300799": 253402300799,
		"253402300800": 0,
	} {
		c, err := parse(listing(strings.Replace(entry("a"), "{", `{"mtime":`+value+`,`, 1)))
		if err != nil || len(c.Entries) != 1 {
			t.Errorf("%s: %v, %v", value, c.Refused, err)
			continue
		}
		if e := c.Entries[0]; e.Modified != want || e.ModTime().IsZero() != (want == 0) {
			t.Errorf("%s: %d", value, e.Modified)
		}
	}
}

func TestContentsTravelAsTheContractSays(t *testing.T) {
	c := contents(t, listing(entry("a")))
	got, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if want := string(listing(entry("a"))); string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFind(t *testing.T) {
	with := func(path, prefix string) string {
		return strings.Replace(entry(path), someHash[:len(prefix)], prefix, 1)
	}
	c, err := parse(listing(
		with("films/a.mp4", "aaaa1"), with("films/copy.mp4", "aaaa1"), with("b.mp4", "aaaa2"), with("beef", "cccc"),
		with("music/Song One.mp3", "beef"),
	))
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]string{
		"films/a.mp4": "films/a.mp4", "aaaa1": "films/a.mp4", "AAAA2": "b.mp4", "beef": "beef", "cccc": "beef",
	} {
		if e, err := c.Find(what); err != nil || e.Path != want {
			t.Errorf("Find(%q) = %q, %v", what, e.Path, err)
		}
	}
	for what, want := range map[string]struct {
		err  error
		says string
	}{
		"aaaa":              {ErrAmbiguous, `did you mean "films/a.mp4" (aaaa1`},
		"aaa":               {ErrNotFound, "no such file"},
		"ffff":              {ErrNotFound, "no such file"},
		"":                  {ErrNotFound, "no such file"},
		"MUSIC/song one":    {ErrNotFound, `"music/Song One.mp3"`},
		`films\copy.mp4`:    {ErrNotFound, `"films/copy.mp4"`},
		"films/nosuch.mp4":  {ErrNotFound, "no such file"},
		"../../etc/passwd":  {ErrNotFound, "no such file"},
		"\x1b[2J films/\n ": {ErrNotFound, `"\x1b[2J films/\n "`},
	} {
		_, err := c.Find(what)
		if !errors.Is(err, want.err) || !strings.Contains(err.Error(), want.says) {
			t.Errorf("Find(%q): %v", what, err)
		}
	}
}

func FuzzContents(f *testing.F) {
	f.Add(listing(entry("a"), entry("b/c")))
	f.Add(listing(entry("../a"), "null", "{}"))
	f.Add([]byte(`{"name":"films","image":"x","revision":-1,"entries":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r GetReply
		if json.Unmarshal(data, &r) != nil {
			return
		}
		c, err := r.Contents()
		if err != nil {
			if !errors.Is(err, ErrContents) {
				t.Fatal(err)
			}
			return
		}
		dir := filepath.FromSlash("/somewhere/safe")
		seen := make(map[string]bool)
		for _, e := range c.Entries {
			p := filepath.Join(dir, filepath.FromSlash(e.Path))
			if !strings.HasPrefix(p, dir+string(filepath.Separator)) || seen[p] || e.Size < 0 || e.Hash.IsZero() ||
				strings.ContainsAny(e.Path, "\x00\n\\") || e.MIMEType == "" {
				t.Fatalf("%+v", e)
			}
			seen[p] = true
		}
		for p := range seen {
			if seen[filepath.Dir(p)] {
				t.Fatalf("%q lies below a file", p)
			}
		}
	})
}

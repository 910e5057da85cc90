package catalog

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"natster/internal/brief"
)

// MinHashPrefix is how many digits of a hash name a file at least.
const MinHashPrefix = 4

// A FindError says that What names no file of a catalog, or several. Candidates are those that were probably meant, a
// few at most; a directory among them has a path that ends with a slash, and no hash. It unwraps to [ErrNotFound] or
// [ErrAmbiguous].
type FindError struct {
	What       string
	Candidates []Entry
	Err        error
}

// Error says what was looked for, and what it may be.
func (e *FindError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q: %v", brief.Clip(e.What), e.Err)
	for i, c := range e.Candidates {
		b.WriteString([]string{"; did you mean ", ", "}[min(i, 1)])
		fmt.Fprintf(&b, "%q", c.Path)
		if !c.Hash.IsZero() {
			fmt.Fprintf(&b, " (%s)", c.Hash.Short())
		}
	}
	return b.String()
}

// Unwrap returns the sentinel.
func (e *FindError) Unwrap() error { return e.Err }

const mostCandidates = 5

func ambiguous(what string, among []Entry) error {
	return &FindError{what, among[:min(len(among), mostCandidates)], ErrAmbiguous}
}

// Find returns the entry that what names: by its path, by the end of its path after a slash, such as its name, where
// that is the only one, or by at least [MinHashPrefix] first digits of its hash. A path as it is listed comes first,
// then one that is spelled the same in another of Unicode's normal forms: a Mac writes é as two characters, and few
// keyboards do. Of several entries with that hash it returns the first: their content is the same. Failing that the
// error is a [*FindError].
func (c Contents) Find(what string) (Entry, error) {
	if e, ok, err := c.At(what); ok || err != nil {
		return e, err
	}
	found := c.byHash(what)
	for _, e := range c.ending(relative(what)) {
		if !slices.Contains(found, e) {
			found = append(found, e)
		}
	}
	switch len(found) {
	case 0:
		return Entry{}, &FindError{what, c.near(what), ErrNotFound}
	case 1:
		return found[0], nil
	}
	return Entry{}, ambiguous(what, found)
}

// At returns the entry whose path what is, as it is listed or in another of Unicode's normal forms. It fails with
// [ErrAmbiguous] where what is spelled like several paths, and is none of them.
func (c Contents) At(what string) (e Entry, ok bool, err error) {
	what = relative(what)
	for _, e := range c.Entries {
		if e.Path == what {
			return e, true, nil
		}
	}
	var found []Entry
	want := norm.NFC.String(what)
	for _, e := range c.Entries {
		if norm.NFC.String(e.Path) == want {
			found = append(found, e)
		}
	}
	switch len(found) {
	case 0:
		return Entry{}, false, nil
	case 1:
		return found[0], true, nil
	}
	return Entry{}, false, ambiguous(what, found)
}

// relative is a path as people type it, the way it is listed.
func relative(what string) string {
	return strings.TrimPrefix(strings.TrimPrefix(what, "./"), "/")
}

// byHash returns entries whose hash begins with what, the first of each content.
func (c Contents) byHash(what string) (found []Entry) {
	digits := strings.ToLower(what)
	if len(digits) < MinHashPrefix || strings.Trim(digits, "0123456789abcdef") != "" {
		return nil
	}
	for _, e := range c.Entries {
		if strings.HasPrefix(e.Hash.String(), digits) &&
			!slices.ContainsFunc(found, func(o Entry) bool { return o.Hash == e.Hash }) {
			found = append(found, e)
		}
	}
	return found
}

// ending returns entries whose path ends with what, after a slash.
func (c Contents) ending(what string) (found []Entry) {
	if what == "" {
		return nil
	}
	end := "/" + norm.NFC.String(what)
	for _, e := range c.Entries {
		if strings.HasSuffix(norm.NFC.String(e.Path), end) {
			found = append(found, e)
		}
	}
	return found
}

// near returns entries that what could have meant, the likeliest first.
func (c Contents) near(what string) []Entry {
	type guess struct {
		Entry
		rank int
	}
	fold := func(s string) string { return strings.ToLower(norm.NFC.String(s)) }
	var all []guess
	want := fold(path.Clean(strings.ReplaceAll(what, `\`, "/")))
	if want == "." || want == "/" {
		return nil
	}
	for _, e := range c.Entries {
		have := fold(e.Path)
		switch {
		case have == want || "/"+have == want:
			all = append(all, guess{e, 0})
		case path.Base(have) == path.Base(want):
			all = append(all, guess{e, 1})
		case strings.TrimSuffix(path.Base(have), path.Ext(have)) == path.Base(want):
			all = append(all, guess{e, 2})
		case strings.Contains(have, want):
			all = append(all, guess{e, 3})
		}
	}
	slices.SortStableFunc(all, func(a, b guess) int { return cmp.Compare(a.rank, b.rank) })
	found := make([]Entry, 0, mostCandidates)
	for _, g := range all[:min(len(all), mostCandidates)] {
		found = append(found, g.Entry)
	}
	return found
}

package catalog

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"natster/internal/brief"
)

// MinHashPrefix is the smallest number of digits of a hash that name a file.
const MinHashPrefix = 4

// A FindError says that What names no file of a catalog, or several. Candidates are a few entries that were probably
// meant; the path of a directory among them ends with a slash, and it has no hash. Err is [ErrNotFound] or
// [ErrAmbiguous].
type FindError struct {
	What       string
	Candidates []Entry
	Err        error
}

// Error says what was looked for and lists the candidates.
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

// Unwrap returns e.Err.
func (e *FindError) Unwrap() error { return e.Err }

const maxCandidates = 5

func ambiguous(what string, among []Entry) error {
	return &FindError{what, among[:min(len(among), maxCandidates)], ErrAmbiguous}
}

// Find returns the entry that what names: by its path, by at least the first [MinHashPrefix] digits of its hash, or, if
// it is the only one, by the end of its path after a slash, such as its name. A path as it is listed comes first, then
// one that is the same in another of Unicode's normal forms: a Mac writes é as two characters, and few keyboards do. Of
// several entries with that hash it returns the first, since their content is the same. Otherwise the error is a
// [*FindError].
func (c Contents) Find(what string) (Entry, error) {
	if e, ok, err := c.At(what); ok || err != nil {
		return e, err
	}
	found := c.byHashOrEnd(what)
	switch len(found) {
	case 0:
		return Entry{}, &FindError{what, c.near(what), ErrNotFound}
	case 1:
		return found[0], nil
	}
	return Entry{}, ambiguous(what, found)
}

// At returns the entry whose path is what, as it is listed or in another of Unicode's normal forms. It fails with
// [ErrAmbiguous] if several paths have another form of what, and none is what itself.
func (c Contents) At(what string) (e Entry, ok bool, err error) {
	what = relative(what)
	for _, e := range c.Entries {
		if e.Path == what {
			return e, true, nil
		}
	}
	want := norm.NFC.String(what)
	found := c.where(func(e Entry) bool { return norm.NFC.String(e.Path) == want })
	switch len(found) {
	case 0:
		return Entry{}, false, nil
	case 1:
		return found[0], true, nil
	}
	return Entry{}, false, ambiguous(what, found)
}

// relative returns a path that a person typed as it would be listed.
func relative(what string) string {
	return strings.TrimPrefix(strings.TrimPrefix(what, "./"), "/")
}

// byHashOrEnd returns the entries whose hash begins with what, the first of each content, and then those whose path
// ends with it, after a slash.
func (c Contents) byHashOrEnd(what string) (found []Entry) {
	digits := strings.ToLower(what)
	if len(digits) >= MinHashPrefix && strings.Trim(digits, "0123456789abcdef") == "" {
		for _, e := range c.Entries {
			if strings.HasPrefix(e.Hash.String(), digits) &&
				!slices.ContainsFunc(found, func(o Entry) bool { return o.Hash == e.Hash }) {
				found = append(found, e)
			}
		}
	}
	if end := "/" + norm.NFC.String(relative(what)); end != "/" {
		for _, e := range c.Entries {
			if strings.HasSuffix(norm.NFC.String(e.Path), end) && !slices.Contains(found, e) {
				found = append(found, e)
			}
		}
	}
	return found
}

// near returns entries that what may have meant, the likeliest first.
func (c Contents) near(what string) []Entry {
	fold := func(s string) string { return strings.ToLower(norm.NFC.String(s)) }
	want := fold(path.Clean(strings.ReplaceAll(what, `\`, "/")))
	if want == "." || want == "/" {
		return nil
	}
	var ranked [4][]Entry
	for _, e := range c.Entries {
		have := fold(e.Path)
		switch {
		case have == want || "/"+have == want:
			ranked[0] = append(ranked[0], e)
		case path.Base(have) == path.Base(want):
			ranked[1] = append(ranked[1], e)
		case strings.TrimSuffix(path.Base(have), path.Ext(have)) == path.Base(want):
			ranked[2] = append(ranked[2], e)
		case strings.Contains(have, want):
			ranked[3] = append(ranked[3], e)
		}
	}
	found := slices.Concat(ranked[:]...)
	return found[:min(len(found), maxCandidates)]
}

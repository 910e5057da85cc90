package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// MinHashPrefix is how many digits of a hash name a file at least.
const MinHashPrefix = 4

// What [Contents.Find] answers when it finds not exactly one file; see [FindError].
var (
	ErrNotFound  = errors.New("no such file in the catalog")
	ErrAmbiguous = errors.New("several files of the catalog are meant")
)

// A FindError says that What names no file of a catalog, or several. Candidates are those that were probably meant, a few
// at most. It unwraps to [ErrNotFound] or [ErrAmbiguous].
type FindError struct {
	What       string
	Candidates []Entry
	Err        error
}

func (e *FindError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q: %v", clip(e.What), e.Err)
	for i, c := range e.Candidates {
		b.WriteString([]string{"; did you mean ", ", "}[min(i, 1)])
		fmt.Fprintf(&b, "%q (%s)", c.Path, c.Hash.Short())
	}
	return b.String()
}

func (e *FindError) Unwrap() error { return e.Err }

// Find returns the entry that what names: by its path, or by at least [MinHashPrefix] first digits of its hash. Of several
// entries with that hash it returns the first: their content is the same. Failing that the error is a [*FindError].
func (c Contents) Find(what string) (Entry, error) {
	var byHash []Entry
	digits := strings.ToLower(what)
	isHash := len(digits) >= MinHashPrefix && strings.Trim(digits, "0123456789abcdef") == ""
	for _, e := range c.Entries {
		if e.Path == what {
			return e, nil
		}
		if isHash && strings.HasPrefix(e.Hash.String(), digits) &&
			!slices.ContainsFunc(byHash, func(o Entry) bool { return o.Hash == e.Hash }) {
			byHash = append(byHash, e)
		}
	}
	switch len(byHash) {
	case 0:
		return Entry{}, &FindError{what, c.near(what), ErrNotFound}
	case 1:
		return byHash[0], nil
	}
	return Entry{}, &FindError{what, byHash[:min(len(byHash), mostCandidates)], ErrAmbiguous}
}

const mostCandidates = 5

// near returns entries that what could have meant, the likeliest first.
func (c Contents) near(what string) []Entry {
	type guess struct {
		Entry
		rank int
	}
	var all []guess
	want := strings.ToLower(path.Clean(strings.ReplaceAll(what, `\`, "/")))
	if want == "." || want == "/" {
		return nil
	}
	for _, e := range c.Entries {
		have := strings.ToLower(e.Path)
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

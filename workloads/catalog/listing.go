package catalog

import (
	"fmt"
	"slices"
	"strings"

	"natster/internal/brief"
)

// A Listing gathers the pages of a listing from a server that is not trusted, as [GetReply.Contents] reads one. What it
// keeps of a page is what can be shown, within the limits of a listing; the page itself may be forgotten. Its zero
// value is empty. It is not safe for concurrent use.
type Listing struct {
	contents Contents
	paths    map[string]bool // of the entries
	size     int             // bytes of their texts
	offered  int             // entries of all pages
	refused  int             // entries that were left out
}

// Add takes in the next page. What is not about single entries the last page says.
func (l *Listing) Add(page GetReply) error {
	if page.Name.IsZero() {
		return fmt.Errorf("%w: it has no name", ErrContents)
	}
	c := &l.contents
	c.Name, c.Description, c.Revision = page.Name, CleanDescription(page.Description), max(0, page.Revision)
	c.Image = ""
	if len(page.Image) <= MaxImage && badCharacter(page.Image) == "" {
		c.Image = page.Image
	}
	if l.paths == nil {
		l.paths = make(map[string]bool)
		c.Entries = make([]Entry, 0, min(len(page.Entries), MaxEntries))
	}
	for i, raw := range page.Entries {
		if l.offered >= MaxEntries {
			l.refuse(len(page.Entries)-i, "", fmt.Errorf("a listing has at most %d entries", MaxEntries))
			return nil
		}
		l.offered++
		e, err := parseEntry(raw)
		size := len(e.Path) + len(e.Description) + len(e.MIMEType)
		switch {
		case err == nil && l.paths[e.Path]:
			err = fmt.Errorf("%q: %w: it is listed twice", brief.Clip(e.Path), ErrPath)
		case err == nil && l.size+size > MaxListing:
			err = fmt.Errorf("%q: %w: the listing is too large", brief.Clip(e.Path), ErrContents)
		}
		if err != nil {
			l.refuse(1, e.Path, err)
			continue
		}
		l.size += size
		l.paths[e.Path] = true
		c.Entries = append(c.Entries, e)
	}
	return nil
}

// Full reports whether no entry of a further page would be taken in.
func (l *Listing) Full() bool { return l.offered >= MaxEntries || l.size >= MaxListing }

// Contents is what was gathered; nothing can be added any more.
func (l *Listing) Contents() Contents {
	l.dropBelowFiles()
	if more := l.refused - len(l.contents.Refused); more > 0 {
		l.contents.Refused = append(l.contents.Refused, Refusal{"", fmt.Errorf("%d more entries are left out", more)})
	}
	return l.contents
}

// refuse counts n entries that are left out, and tells one for them, unless too many are told already.
func (l *Listing) refuse(n int, path string, err error) {
	l.refused += n
	if len(l.contents.Refused) < MaxRefused {
		l.contents.Refused = append(l.contents.Refused, Refusal{strings.Clone(brief.Clip(path)), err})
	}
}

// dropBelowFiles refuses the entries below another entry, which cannot be a file and a directory.
func (l *Listing) dropBelowFiles() {
	l.contents.Entries = slices.DeleteFunc(l.contents.Entries, func(e Entry) bool {
		for i := range len(e.Path) {
			if e.Path[i] == '/' && l.paths[e.Path[:i]] {
				l.refuse(1, e.Path,
					fmt.Errorf("%q: %w: %q is a file", brief.Clip(e.Path), ErrPath, brief.Clip(e.Path[:i])))
				return true
			}
		}
		return false
	})
}

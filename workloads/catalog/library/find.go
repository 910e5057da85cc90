package library

import (
	"strings"

	"natster/events"
	"natster/workloads/catalog"
)

// Find returns the entry that what names: a path, or a beginning of a hash. See [catalog.Contents.Find] for its errors,
// which wrap [catalog.ErrNotFound] or [catalog.ErrAmbiguous].
func (l *Library) Find(what string) (catalog.Entry, error) {
	if e, ok := l.Path(what); ok {
		return e, nil
	}
	if h, err := events.ParseHash(strings.ToLower(what)); err == nil {
		if e, ok := l.Hash(h); ok {
			return e, nil
		}
	}
	return l.Contents().Find(what)
}

// Path returns the entry at path.
func (l *Library) Path(path string) (catalog.Entry, bool) {
	s := l.snap.Load()
	i, ok := s.at(path)
	if !ok {
		return catalog.Entry{}, false
	}
	return s.entries[i], true
}

// Hash returns the first entry with content h.
func (l *Library) Hash(h events.Hash) (catalog.Entry, bool) {
	s := l.snap.Load()
	idx := s.withHash(h)
	if len(idx) == 0 {
		return catalog.Entry{}, false
	}
	return s.entries[idx[0]], true
}

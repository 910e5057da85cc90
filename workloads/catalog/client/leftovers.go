package client

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"natster/workloads/catalog"
)

// leftovers are what earlier downloads left unfinished, and what this one made and may not need.
type leftovers struct {
	root disk

	mu    sync.Mutex
	found map[string]map[string][]string // directory → where the whole would go → partials
	made  []string                       // directories that this download made, in order
}

// of returns the names of the partials of the file at p, whatever version. Each directory is read once, at first.
func (l *leftovers) of(p string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.in(path.Dir(p))[p]
}

func (l *leftovers) in(dir string) map[string][]string {
	if l.found == nil {
		l.found = make(map[string]map[string][]string)
	}
	if byPath, read := l.found[dir]; read {
		return byPath
	}
	byPath := make(map[string][]string)
	l.found[dir] = byPath
	all, err := names(l.root, dir)
	if err != nil {
		return byPath // not there yet, or not to be read: nothing to tidy up
	}
	for _, n := range all {
		if base, ok := partialOf(n); ok {
			p := path.Join(dir, base)
			byPath[p] = append(byPath[p], path.Join(dir, n))
		}
	}
	return byPath
}

// tidy removes the unfinished parts of older versions of e, unless another download is writing them. They could never be
// finished: the catalog has another file now.
func (l *leftovers) tidy(e catalog.Entry) error {
	for _, name := range append(l.of(e.Path), l.of(longName(e))...) {
		if strings.HasSuffix(name, partialEndOf(e)) {
			continue
		}
		if err := discardUnused(l.root, name); err != nil {
			return err
		}
	}
	return nil
}

// discardUnused removes a partial that no other download is writing.
func discardUnused(root disk, name string) error {
	f := unused(root, name)
	if f == nil {
		return nil
	}
	defer f.Close()
	return root.Remove(name)
}

// unused opens a partial that no other download is writing, and nobody can before it is closed; otherwise it returns nil.
func unused(root disk, name string) *os.File {
	if fi, err := root.Lstat(name); err != nil || !fi.Mode().IsRegular() {
		return nil
	}
	f, err := root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil // not ours to remove
	}
	if lock(f) != nil {
		_ = f.Close()
		return nil
	}
	return f
}

// orphans are the partials in the directories of entries that none of listed continues.
func (l *leftovers) orphans(entries, listed []catalog.Entry) (orphans []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.found = nil // as it is now
	dirs := map[string]bool{".": true}
	for _, e := range entries {
		dirs[path.Dir(e.Path)] = true
	}
	left := make(map[string]bool)
	for dir := range dirs {
		for _, names := range l.in(dir) {
			for _, n := range names {
				left[n] = true
			}
		}
	}
	if len(left) == 0 {
		return nil
	}
	for _, e := range listed {
		delete(left, e.Path+partialEndOf(e))
		delete(left, longName(e)+partialEndOf(e))
	}
	for n := range left {
		if f := unused(l.root, n); f != nil {
			_ = f.Close()
			orphans = append(orphans, n)
		}
	}
	slices.Sort(orphans)
	return orphans
}

// mkdir makes a directory and those above it.
func (l *leftovers) mkdir(dir string) error {
	if fi, err := l.root.Stat(dir); err == nil && fi.IsDir() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at := ""
	for name := range strings.SplitSeq(dir, "/") {
		at = path.Join(at, name)
		err := l.root.Mkdir(at, 0o777)
		if err == nil {
			l.made = append(l.made, at)
			continue
		}
		if fi, here := l.root.Stat(at); here != nil || !fi.IsDir() {
			return err
		}
	}
	return nil
}

// unmake removes the directories that were made and hold nothing.
func (l *leftovers) unmake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, dir := range slices.Backward(l.made) {
		_ = l.root.Remove(dir) // what is not empty stays
	}
	l.made = nil
}

// makeDest makes the directory of a download and those above it; unmake removes again what it made and is empty.
func makeDest(dest string) (unmake func(), err error) {
	var missing []string
	for dir := dest; ; {
		if _, err := os.Stat(dir); err == nil {
			break
		}
		missing = append(missing, dir)
		up := filepath.Dir(dir)
		if up == dir {
			break
		}
		dir = up
	}
	if err := os.MkdirAll(dest, 0o777); err != nil {
		return nil, err
	}
	return func() {
		for _, dir := range missing {
			if os.Remove(dir) != nil {
				return
			}
		}
	}, nil
}

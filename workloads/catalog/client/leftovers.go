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

// leftovers are what earlier downloads left unfinished, and directories of this one that may remain empty.
type leftovers struct {
	root disk

	mu    sync.Mutex
	found map[string]map[string][]string // by directory and path of the whole file: names of partials
	made  []string                       // directories that this download made, in order
}

// in returns the partials in a directory, by the path of the whole file. It reads each directory once. The lock is
// held.
func (l *leftovers) in(dir string) map[string][]string {
	if found, read := l.found[dir]; read {
		return found
	}
	if l.found == nil {
		l.found = make(map[string]map[string][]string)
	}
	found := make(map[string][]string)
	l.found[dir] = found
	all, _ := names(l.root, dir) // on an error, as when it does not exist yet, there is nothing to remove
	for _, n := range all {
		if whole, ok := partialOf(n); ok {
			p := path.Join(dir, whole)
			found[p] = append(found[p], path.Join(dir, n))
		}
	}
	return found
}

// tidy removes the unfinished parts of older versions of e, unless another download is writing them. They could never
// be finished: the catalog has another file now.
func (l *leftovers) tidy(e catalog.Entry) error {
	l.mu.Lock()
	found := l.in(path.Dir(e.Path))
	all := slices.Concat(found[e.Path], found[longName(e)])
	l.mu.Unlock()
	for _, name := range all {
		if strings.HasSuffix(name, partialEndOf(e)) {
			continue
		}
		if f := unused(l.root, name); f != nil {
			err := l.root.Remove(name)
			_ = f.Close()
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// unused opens and locks a partial. It returns nil if that fails, as when another download is writing it.
func unused(root disk, name string) *os.File {
	if fi, err := root.Lstat(name); err != nil || !fi.Mode().IsRegular() {
		return nil
	}
	f, err := root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil // nor may it be removed
	}
	if lock(f) != nil {
		_ = f.Close()
		return nil
	}
	return f
}

// orphans returns the partials in the directories of entries that none of listed continues.
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

// unmake removes the directories that mkdir made and that are empty.
func (l *leftovers) unmake() {
	for _, dir := range slices.Backward(l.made) {
		_ = l.root.Remove(dir) // fails if it is not empty
	}
}

// makeDest makes the directory of a download and those above it. unmake removes those that it made and that are empty.
func makeDest(dest string) (unmake func(), err error) {
	var missing []string
	for dir := dest; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			break
		}
		missing = append(missing, dir)
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

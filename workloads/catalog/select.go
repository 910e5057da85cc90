package catalog

import (
	"path"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Select returns the entries that words name, each once, in the catalog's order. A word is
//
//	films/a.mp4   a file, as [Contents.Find] finds it
//	films         a directory with everything below it, by its path or, if it is the only one, by the end of its path
//	films/        the same, but never a file
//	'*.jpg'       a pattern for the names of files in any directory: * and ? and [a-z] match within a name
//	'films/**'    a pattern with a slash, for whole paths: ** matches any number of names
//
// A pattern that matches no file is for directories. A path that is listed comes before a pattern that looks like it. A
// word that names nothing is a [*FindError].
func (c Contents) Select(words ...string) ([]Entry, error) {
	want := make(map[string]bool)
	for _, w := range words {
		found, err := c.selected(w)
		if err != nil {
			return nil, err
		}
		for _, e := range found {
			want[e.Path] = true
		}
	}
	return c.where(func(e Entry) bool { return want[e.Path] }), nil
}

// where returns the entries for which f is true.
func (c Contents) where(f func(Entry) bool) (found []Entry) {
	for _, e := range c.Entries {
		if f(e) {
			found = append(found, e)
		}
	}
	return found
}

// selected returns the entries that one word names.
func (c Contents) selected(word string) ([]Entry, error) {
	if word == "." || word == "./" || word == "/" {
		return c.Entries, nil
	}
	name, onlyDir := strings.CutSuffix(relative(word), "/")
	if below := c.below(name); len(below) > 0 {
		return below, nil // no file has this path: it could not be beside its directory
	}
	var files []Entry
	if !onlyDir {
		e, ok, err := c.At(word)
		switch {
		case err != nil:
			return nil, err
		case ok:
			files = []Entry{e}
		}
	}
	dirs, path := c.dirs(), norm.NFC.String(name)
	found, err := c.oneOf(word, files, dirs, func(dir string) bool { return dir == path })
	if found != nil || err != nil {
		return found, err
	}
	files = nil
	if !onlyDir {
		files = c.byHashOrEnd(word)
	}
	found, err = c.oneOf(word, files, dirs, func(dir string) bool {
		return name != "" && strings.HasSuffix(dir, "/"+path)
	})
	if found != nil || err != nil {
		return found, err
	}
	if found = c.matching(name, onlyDir); found != nil {
		return found, nil
	}
	return nil, &FindError{word, c.near(word), ErrNotFound}
}

// oneOf returns the only one of files, or what is below the only directory that is meant, by its path in normal form C.
// It returns nil if there is neither, and an error if there are several.
func (c Contents) oneOf(word string, files []Entry, dirs []string, meant func(dir string) bool) ([]Entry, error) {
	for _, dir := range dirs {
		if meant(norm.NFC.String(dir)) {
			files = append(files, Entry{Path: dir + "/"})
		}
	}
	switch {
	case len(files) == 0:
		return nil, nil
	case len(files) > 1:
		return nil, ambiguous(word, files)
	}
	if dir, ok := strings.CutSuffix(files[0].Path, "/"); ok {
		return c.below(dir), nil
	}
	return files, nil
}

// below returns the entries below a directory.
func (c Contents) below(dir string) []Entry {
	return c.where(func(e Entry) bool { return strings.HasPrefix(e.Path, dir+"/") })
}

// dirs returns every directory of the catalog once.
func (c Contents) dirs() (all []string) {
	seen := make(map[string]bool)
	for _, e := range c.Entries {
		for dir := path.Dir(e.Path); dir != "." && !seen[dir]; dir = path.Dir(dir) {
			seen[dir] = true
			all = append(all, dir)
		}
	}
	return all
}

// matching returns the files that match a pattern, or those below the directories that do.
func (c Contents) matching(pattern string, onlyDir bool) (found []Entry) {
	if !strings.ContainsAny(pattern, `*?[`) {
		return nil
	}
	names := strings.Split(norm.NFC.String(pattern), "/")
	if len(names) == 1 {
		names = []string{"**", names[0]}
	}
	matches := func(e Entry) bool { return match(names, strings.Split(norm.NFC.String(e.Path), "/")) }
	if !onlyDir {
		found = c.where(matches)
	}
	if found == nil {
		names = append(names, "**", "*")
		found = c.where(matches)
	}
	return found
}

// match reports whether a path matches a pattern, name by name.
func match(pattern, names []string) bool {
	any, retry := -1, 0 // where the last ** is, and the first name after those that it matches
	p, n := 0, 0
	for n < len(names) {
		if p < len(pattern) && pattern[p] == "**" {
			any, retry = p, n
			p++
			if p == len(pattern) {
				return true
			}
			continue
		}
		if p < len(pattern) {
			if ok, err := path.Match(pattern[p], names[n]); ok && err == nil {
				p, n = p+1, n+1
				continue
			}
		}
		if any < 0 {
			return false
		}
		retry++
		p, n = any+1, retry
	}
	return p == len(pattern)
}

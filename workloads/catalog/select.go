package catalog

import (
	"path"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Select returns the entries that words name, each once, in the catalog's order. A word is
//
//	films/a.mp4   a file, as [Contents.Find] finds it
//	films         a directory and all below it, by its path or, where that is the only one, by the end of its path;
//	films/        with a slash, only a directory
//	'*.jpg'       a pattern: * and ? and [a-z] within a name, ** for any names. One without a slash is for the names of files
//	'films/**'    wherever they are, one with a slash for whole paths. One that no file matches is for directories.
//
// A name that is listed comes before a pattern that looks like it. What is not found is a [*FindError].
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
	all := make([]Entry, 0, len(want))
	for _, e := range c.Entries {
		if want[e.Path] {
			all = append(all, e)
		}
	}
	return all, nil
}

// selected are the entries that one word names.
func (c Contents) selected(word string) ([]Entry, error) {
	if word == "." || word == "./" || word == "/" {
		return c.Entries, nil
	}
	name, onlyDir := strings.CutSuffix(relative(word), "/")
	if below := c.below(name); len(below) > 0 {
		return below, nil // no file is called so: it could not be beside its directory
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
	dirs := c.dirs()
	found, err := c.oneOf(word, files, dirs,
		func(dir string) bool { return norm.NFC.String(dir) == norm.NFC.String(name) })
	if found != nil || err != nil {
		return found, err
	}
	if !onlyDir {
		files = c.byHash(word)
		for _, e := range c.ending(name) {
			if !slices.Contains(files, e) {
				files = append(files, e)
			}
		}
	}
	end := "/" + norm.NFC.String(name)
	found, err = c.oneOf(word, files, dirs, func(dir string) bool {
		return name != "" &&
			strings.HasSuffix(norm.NFC.String(dir), end)
	})
	if found != nil || err != nil {
		return found, err
	}
	if found = c.matching(name, onlyDir); found != nil {
		return found, nil
	}
	return nil, &FindError{word, c.near(word), ErrNotFound}
}

// oneOf returns the one of files, or what is below the one of dirs that is meant; nil where there is none.
func (c Contents) oneOf(word string, files []Entry, dirs []string, meant func(dir string) bool) ([]Entry, error) {
	for _, dir := range dirs {
		if meant(dir) {
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

// below returns the entries in a directory and those below it.
func (c Contents) below(dir string) (found []Entry) {
	for _, e := range c.Entries {
		if strings.HasPrefix(e.Path, dir) && len(e.Path) > len(dir) && e.Path[len(dir)] == '/' {
			found = append(found, e)
		}
	}
	return found
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

// matching returns the entries that a pattern means.
func (c Contents) matching(pattern string, onlyDir bool) (found []Entry) {
	if !strings.ContainsAny(pattern, `*?[`) {
		return nil
	}
	names := strings.Split(norm.NFC.String(pattern), "/")
	if len(names) == 1 {
		names = []string{"**", names[0]}
	}
	for _, below := range []bool{false, true} {
		if below {
			names = append(names, "**", "*")
		} else if onlyDir {
			continue
		}
		for _, e := range c.Entries {
			if match(names, strings.Split(norm.NFC.String(e.Path), "/")) {
				found = append(found, e)
			}
		}
		if found != nil {
			break
		}
	}
	return found
}

// match tells whether a path matches a pattern, name by name.
func match(pattern, names []string) bool {
	any, retry := -1, 0 // where the last ** was, and the first name after what it stands for
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

package house

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEveryPackageSaysWhatItIsFor holds packages to one comment, in doc.go where there is more than one file.
func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for dir, files := range byPackage(allSources(t)) {
		var code, documented []string
		for _, s := range files {
			if !s.test() {
				code = append(code, s.name())
			}
			if s.ast.Doc == nil {
				continue
			}
			documented = append(documented, s.name())
			if text := s.ast.Doc.Text(); !strings.HasPrefix(text, "Package ") && !strings.HasPrefix(text, "Command ") &&
				s.ast.Name.Name != "main" {
				t.Errorf("%s: the package's comment begins with %.20q: Package %s ...", s.path, text, s.ast.Name.Name)
			}
		}
		switch {
		case len(code) > 2 && !slices.Equal(documented, []string{"doc.go"}):
			t.Errorf("package %s has its comment in %s: it belongs in %s/doc.go, with a map of the files", dir,
				orNothing(documented), dir)
		case len(documented) != 1:
			t.Errorf("package %s has its comment in %s: one file says what it is for", dir, orNothing(documented))
		}
	}
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "no file"
	}
	return strings.Join(names, " and ")
}

var (
	mapLine  = regexp.MustCompile(`^//\t([a-z0-9_*]+\.go(?:, [a-z0-9_*]+\.go)*)(?:\s|$)`)
	fileName = regexp.MustCompile(`(^|[^\w./*])([a-z0-9_*]+\.go)\b`)
)

// TestEveryMapIsTrue holds the map in each doc.go to the files beside it: a line "name.go  what it holds" for each.
func TestEveryMapIsTrue(t *testing.T) {
	for dir, files := range byPackage(allSources(t)) {
		doc := slices.IndexFunc(files, func(s source) bool { return s.name() == "doc.go" })
		if doc < 0 || files[doc].ast.Doc == nil {
			continue
		}
		var named, mentioned []string // in the map, and anywhere
		for _, c := range files[doc].ast.Doc.List {
			line := c.Text
			if m := mapLine.FindStringSubmatch(line); m != nil {
				named = append(named, strings.Split(m[1], ", ")...)
			}
			for _, m := range fileName.FindAllStringSubmatch(line, -1) {
				mentioned = append(mentioned, m[2])
			}
		}
		there := make(map[string]int) // how often the map names a file
		for _, s := range files {
			there[s.name()] = 0
		}
		for _, pattern := range mentioned {
			if pattern != "nats.go" && !slices.ContainsFunc(files,
				func(s source) bool { return matches(pattern, s.name()) }) {
				t.Errorf("%s/doc.go names %s, which is not there: name the file that has taken its place", dir, pattern)
			}
		}
		for _, pattern := range named {
			for name := range there {
				if matches(pattern, name) {
					there[name]++
				}
			}
		}
		for _, name := range slices.Sorted(maps.Keys(there)) {
			switch n := there[name]; {
			case name == "doc.go":
			case n == 0 && !strings.HasSuffix(name, "_test.go"):
				t.Errorf("the map in %s/doc.go lacks %s: add a line \"%s  what it holds\"", dir, name, name)
			case n > 1:
				t.Errorf("the map in %s/doc.go names %s %d times: once is enough", dir, name, n)
			}
		}
	}
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

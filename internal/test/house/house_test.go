package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	root   = "../../.." // of the repository, from here
	module = "natster"
)

// A source is one Go file.
type source struct {
	path string // from the root, with slashes
	text string
	fset *token.FileSet
	ast  *ast.File
}

func (s source) dir() string  { return path.Dir(s.path) }
func (s source) name() string { return path.Base(s.path) }
func (s source) test() bool   { return strings.HasSuffix(s.path, "_test.go") }
func (s source) line(n ast.Node) int {
	return s.fset.Position(n.Pos()).Line
}

// ours are the packages of this module that s imports, as directories.
func (s source) ours() (dirs []string) {
	for _, spec := range s.ast.Imports {
		if dir, ok := strings.CutPrefix(importPath(spec), module+"/"); ok {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func importPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return ""
	}
	return p
}

// sources are all Go files of the repository, in order of path. They are read once.
var sources = sync.OnceValues(func() (all []source, err error) {
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			skipped := []string{"node_modules", "testdata", "bin", "dist", "page"}
			if slices.Contains(skipped, d.Name()) || strings.HasPrefix(d.Name(), ".") && file != root {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		s := source{path: filepath.ToSlash(strings.TrimPrefix(file, root+string(filepath.Separator))),
			text: string(text)}
		s.fset = token.NewFileSet()
		s.ast, err = parser.ParseFile(s.fset, s.path, text, parser.ParseComments|parser.SkipObjectResolution)
		all = append(all, s)
		return err
	})
	return all, err
})

func allSources(t *testing.T) []source {
	t.Helper()
	all, err := sources()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Fatalf("only %d Go files were found: the tests do not see the repository", len(all))
	}
	return all
}

// production are the files that are no tests and no support of tests.
func production(t *testing.T) (some []source) {
	t.Helper()
	for _, s := range allSources(t) {
		if !s.test() && !below(s.dir(), "internal/test") {
			some = append(some, s)
		}
	}
	return some
}

// byPackage groups files by directory.
func byPackage(all []source) map[string][]source {
	dirs := make(map[string][]source)
	for _, s := range all {
		dirs[s.dir()] = append(dirs[s.dir()], s)
	}
	return dirs
}

// below reports whether dir is parent or inside it.
func below(dir, parent string) bool { return dir == parent || strings.HasPrefix(dir, parent+"/") }

// read returns a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

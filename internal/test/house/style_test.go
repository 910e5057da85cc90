package house

import (
	"go/ast"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestImportGroups holds imports to one declaration of three groups, with a blank line between them.
func TestImportGroups(t *testing.T) {
	for _, s := range allSources(t) {
		var before ast.Node
		last := -1
		for _, d := range s.ast.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.IMPORT {
				break
			}
			if before != nil {
				t.Errorf("%s:%d: a second import declaration: all imports belong in one", s.path, s.line(g))
			}
			before = g
			line := 0
			for _, spec := range g.Specs {
				spec := spec.(*ast.ImportSpec)
				kind := importKind(importPath(spec))
				at := s.line(spec)
				if spec.Doc != nil {
					at = s.line(spec.Doc)
				}
				apart := line != 0 && at > line+1
				switch {
				case kind < last, kind == last && apart && line != 0, kind > last && last >= 0 && !apart:
					t.Errorf("%s:%d: %s is among the wrong imports: the standard library, others, ours, a blank "+
						"line between them",
						s.path, s.line(spec), spec.Path.Value)
				}
				last, line = kind, s.line(spec)
			}
		}
	}
}

// importKind is 0 for the standard library, 1 for others, 2 for ours.
func importKind(p string) int {
	first, _, _ := strings.Cut(p, "/")
	switch {
	case first == module:
		return 2
	case strings.Contains(first, "."):
		return 1
	}
	return 0
}

// notKeys are words that a log line must not use for the error; the key is "err".
var notKeys = []string{"error", "why", "reason", "cause"}

// TestLogKeys holds log lines to one key for what went wrong.
func TestLogKeys(t *testing.T) {
	calls := []string{"Debug", "Info", "Warn", "Error", "Log", "With", "DebugContext", "InfoContext", "WarnContext",
		"ErrorContext"}
	attrs := []string{"Any", "String"}
	for _, s := range production(t) {
		ast.Inspect(s.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			f, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, _ := f.X.(*ast.Ident)
			isAttr := pkg != nil && pkg.Name == "slog" && slices.Contains(attrs, f.Sel.Name)
			if !isAttr && !slices.Contains(calls, f.Sel.Name) {
				return true
			}
			for i, arg := range call.Args {
				key, ok := arg.(*ast.BasicLit)
				if !ok || key.Kind != token.STRING || i == len(call.Args)-1 {
					continue // the last is no key
				}
				if k, err := strconv.Unquote(key.Value); err == nil && slices.Contains(notKeys, k) {
					t.Errorf("%s:%d: log key %q: an error is logged under \"err\"", s.path, s.line(key), k)
				}
			}
			return true
		})
	}
}

// TestExportedIdentifiersAreDocumented holds everything that others can use to a comment that says what is promised.
func TestExportedIdentifiersAreDocumented(t *testing.T) {
	for _, s := range allSources(t) {
		if s.test() || s.ast.Name.Name == "main" {
			continue
		}
		for _, d := range s.ast.Decls {
			for _, name := range undocumented(d) {
				t.Errorf("%s:%d: %s is exported and has no comment: say what it promises, or unexport it", s.path,
					s.line(name), name.Name)
			}
		}
	}
}

// undocumented are the exported names of a declaration that have no comment. A comment on a group stands for its
// values.
func undocumented(d ast.Decl) (names []*ast.Ident) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && (d.Recv == nil || ast.IsExported(receiver(d))) {
			names = append(names, d.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Name.IsExported() && spec.Doc == nil && (d.Doc == nil || d.Lparen.IsValid()) {
					names = append(names, spec.Name)
				}
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					if name.IsExported() && spec.Doc == nil && spec.Comment == nil && d.Doc == nil {
						names = append(names, name)
					}
				}
			}
		}
	}
	return names
}

// receiver is the name of a method's type.
func receiver(d *ast.FuncDecl) string {
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// maxColumns is how wide a line of source may be, in characters; a tab counts 4.
const maxColumns = 120

// TestLinesFit holds lines of Go, and of the page's source, to a width that two windows beside each other show.
func TestLinesFit(t *testing.T) {
	texts := pageSources(t)
	for _, s := range allSources(t) {
		texts[s.path] = s.text
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		for i, line := range strings.Split(texts[name], "\n") {
			if n := utf8.RuneCountInString(line) + 3*strings.Count(line, "\t"); n > maxColumns {
				t.Errorf("%s:%d: the line has %d columns; %d is the most", name, i+1, n, maxColumns)
			}
		}
	}
}

// pageSources are the texts of the page's source files, by path.
func pageSources(t *testing.T) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	page := os.DirFS(filepath.Join(root, "workloads/web/page"))
	err := fs.WalkDir(page, ".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "dist"):
			return fs.SkipDir
		case slices.Contains([]string{".ts", ".svelte", ".mjs"}, path.Ext(file)):
			name := "workloads/web/page/" + file
			texts[name] = read(t, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(texts) < 50 {
		t.Fatalf("only %d source files of the page were found: the test does not see them", len(texts))
	}
	return texts
}

package house

import (
	"go/ast"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// documents are README and its companions, and all below docs.
func documents(t *testing.T) (names []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(filepath.Join(root, "docs"), func(file string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(file, ".md") {
			names = append(names, file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		names[i] = filepath.ToSlash(strings.TrimPrefix(name, root+string(filepath.Separator)))
	}
	return names
}

func exists(name string) bool {
	_, err := os.Stat(filepath.Join(root, filepath.FromSlash(name)))
	return err == nil
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestLinksLeadSomewhere holds the links of documents to files and headings that are there.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, doc := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(read(t, doc), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, heading, _ := strings.Cut(m[1], "#")
			target := doc
			if file != "" {
				target = path.Join(path.Dir(doc), file)
			}
			switch {
			case !exists(target):
				t.Errorf("%s links to %s, which is not there", doc, m[1])
			case heading != "" && !slices.Contains(headings(read(t, target)), heading):
				t.Errorf("%s links to %s: %s has no such heading", doc, m[1], target)
			}
		}
	}
}

var notInAnchors = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)

// headings are the anchors of a document's headings.
func headings(text string) (anchors []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			anchors = append(anchors, strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(title), ""), " ",
				"-"))
		}
	}
	return anchors
}

var (
	codePath = regexp.MustCompile("`((?:events|functions|workloads|deploy|cli|internal|docs)(?:/[\\w.\\-]+)*)/?`")
	step     = regexp.MustCompile("^\\| (?:\\d+ \\| )?`([\\w/.\\-]+\\.go)` \\| ([^|]*) \\|")
	quoted   = regexp.MustCompile("`([\\w.]+)`")
	testName = regexp.MustCompile("`(Test\\w+)`")
)

// TestDocumentsNameWhatIsThere holds documents to files that exist, to tests that exist, and the steps of a flow (rows
// that begin with a Go file and the names of functions) to functions that stand there.
func TestDocumentsNameWhatIsThere(t *testing.T) {
	declared := make(map[string][]string)
	tests := make(map[string]bool)
	for _, s := range allSources(t) {
		for _, d := range s.ast.Decls {
			declared[s.path] = append(declared[s.path], names(d)...)
		}
		for _, name := range declared[s.path] {
			tests[name] = tests[name] || s.test()
		}
	}
	steps, shown := 0, 0
	for _, doc := range documents(t) {
		for i, line := range strings.Split(read(t, doc), "\n") {
			for _, m := range codePath.FindAllStringSubmatch(line, -1) {
				if !exists(strings.TrimSuffix(m[1], "/...")) {
					t.Errorf("%s:%d names %s, which is not there", doc, i+1, m[1])
				}
			}
			for _, m := range testName.FindAllStringSubmatch(line, -1) {
				shown++
				if !tests[m[1]] {
					t.Errorf("%s:%d says that %s shows it, which is no test", doc, i+1, m[1])
				}
			}
			m := step.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			steps++
			for _, name := range quoted.FindAllStringSubmatch(m[2], -1) {
				if !slices.Contains(declared[m[1]], name[1]) {
					t.Errorf("%s:%d: %s has no %s: walk the flow again, and name what is called now", doc, i+1, m[1],
						name[1])
				}
			}
		}
	}
	if shown < 10 {
		t.Errorf("the documents name only %d tests: docs/security.md has a table of them", shown)
	}
	if steps < 50 {
		t.Errorf("the documents have only %d steps of flows: are they written in another form?", steps)
	}
}

// names are what a declaration declares: functions, methods as Type.Method, types, values.
func names(d ast.Decl) (all []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv != nil {
			return []string{receiver(d) + "." + d.Name.Name}
		}
		return []string{d.Name.Name}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				all = append(all, spec.Name.Name)
			case *ast.ValueSpec:
				for _, n := range spec.Names {
					all = append(all, n.Name)
				}
			}
		}
	}
	return all
}

var document = regexp.MustCompile(`[\w./\-]*\w\.md\b`)

// TestCommentsCiteWhatIsThere holds comments to documents of this repository: from the root, or beside the file.
func TestCommentsCiteWhatIsThere(t *testing.T) {
	for _, s := range allSources(t) {
		for _, group := range s.ast.Comments {
			for _, c := range group.List {
				for _, name := range document.FindAllString(c.Text, -1) {
					if !exists(name) && !exists(path.Join(s.dir(), name)) {
						t.Errorf("%s:%d cites %s, which is not there: what is worth citing belongs in docs/", s.path,
							s.line(c), name)
					}
				}
			}
		}
	}
}

var (
	required = regexp.MustCompile(`(?m)^(?:require )?\t?(\S+) v\S+$`) // what others require is marked "// indirect"
	version  = regexp.MustCompile(`/v\d+$`)
)

// TestDependenciesHaveAReason holds README's table of dependencies to what go.mod requires, and go.mod to the table.
func TestDependenciesHaveAReason(t *testing.T) {
	_, section, ok := strings.Cut(read(t, "README.md"), "\n## Dependencies\n")
	if !ok {
		t.Fatal("README.md has no section Dependencies")
	}
	named := make(map[string]bool)
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]+) \| [^|]+ \|$`).FindAllStringSubmatch(section, -1) {
		if strings.HasSuffix(row[1], "(npm)") || strings.HasSuffix(row[1], "(`.ci/tools.mod`)") {
			continue
		}
		for name := range strings.FieldsFuncSeq(row[1], func(r rune) bool { return r == ',' || r == ';' || r == ' ' }) {
			named[shortest(name)] = true
		}
	}
	for _, m := range required.FindAllStringSubmatch(read(t, "go.mod"), -1) {
		name := shortest(m[1])
		if !named[name] {
			t.Errorf("go.mod requires %s: README's table of dependencies says why", m[1])
		}
		delete(named, name)
	}
	delete(named, "module") // the table's head
	for name := range named {
		t.Errorf("README's table of dependencies has %s, which go.mod does not require directly: take it out", name)
	}
}

// shortest is the last word of a module's path that is no version.
func shortest(module string) string { return path.Base(version.ReplaceAllString(module, "")) }

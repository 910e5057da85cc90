package house

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the copies of the table")

// A room is a part of the repository: a package, or with /... a directory and all below it.
type room struct {
	dir  string
	owns string
	may  []string // what its production code imports of ours beside itself, in the same form
	// apart rooms hold packages that do not import each other.
	apart bool
}

// rooms is the table: who owns what, and who may import whom. A package belongs to the most exact of them.
var rooms = []room{
	{dir: "internal/...", owns: "the ground floor, for every room: `jet` (JetStream), `private` (files only we may " +
		"read), " +
		"`sealedbox`, `loopback`, `backoff`, `limiter`, `supervise`"},
	{dir: "events", owns: "the facts: identifiers, every subject, event types, the log",
		may: []string{"internal/..."}},
	{dir: "functions/api", owns: "the contract with callers: endpoints, wire types, codes, the client",
		may: []string{"events", "internal/..."}},
	{dir: "functions/view", owns: "the buckets, their keys and documents, consistent reads",
		may: []string{"functions/api", "events", "internal/..."}},
	{dir: "functions", owns: "what a function is, and the runtime",
		may: []string{"functions/api", "functions/view", "events", "internal/..."}},
	{dir: "functions/projection", owns: "folding the log into buckets, live and from the start",
		may: []string{"functions", "functions/api", "functions/view", "events", "internal/..."}},
	{dir: "functions/...", owns: "one package per function", apart: true,
		may: []string{"functions", "functions/api", "functions/view", "functions/projection", "events",
			"internal/..."}},
	{dir: "workloads/catalog/...", owns: "catalogs: wire types, `library` (files), `server`, `client`, `seal` " +
		"(cryptography)",
		may: []string{"functions/api", "events", "internal/..."}},
	{dir: "workloads/nexlet/...", owns: "functions and catalogs under Nex; `wire` is how Nex speaks",
		may: []string{"functions", "functions/api", "functions/view", "workloads/catalog/...", "events",
			"internal/..."}},
	{dir: "workloads/web/...", owns: "the website: the page, and the small server behind it",
		may: []string{"functions/api", "events", "internal/..."}},
	{dir: "deploy/accounts", owns: "NATS accounts: exports, imports, users, their keys",
		may: []string{"functions", "functions/api", "events", "internal/..."}},
	{dir: "deploy/world/...", owns: "a world's directory and its functions; `embedded` is the server in it",
		may: []string{"deploy/accounts", "functions/...", "workloads/catalog/...", "events", "internal/..."}},
	{dir: "deploy/cluster", owns: "configurations of NATS servers of your own",
		may: []string{"deploy/accounts", "events", "internal/..."}},
	{dir: "deploy/nex", owns: "functions and catalogs put on Nex nodes, and kept there",
		may: []string{"functions", "workloads/nexlet/spec", "workloads/nexlet/wire", "events", "internal/..."}},
	{dir: "deploy/nexfiles", owns: "Nexfiles, made from the functions' declarations",
		may: []string{"deploy/nex", "deploy/world/...", "functions", "workloads/nexlet/spec", "events",
			"internal/..."}},
	{dir: "cli/...", owns: "the commands; `cli/natster` is `main`, `cli/demo` the demo",
		may: []string{"deploy/...", "workloads/...", "functions/...", "events", "internal/..."}},
	{dir: "internal/test/...", owns: "support of tests, which only tests import; `house` is the test that checks " +
		"this table",
		may: []string{"cli/...", "deploy/...", "workloads/...", "functions/...", "events", "internal/..."}},
}

// holds reports whether the pattern, a package or a directory with /..., holds dir.
func holds(pattern, dir string) bool {
	if parent, all := strings.CutSuffix(pattern, "/..."); all {
		return below(dir, parent)
	}
	return dir == pattern
}

// roomOf is the most exact room that holds dir.
func roomOf(dir string) (r room, ok bool) {
	for _, x := range rooms {
		if holds(x.dir, dir) && (!ok || exactness(x.dir) > exactness(r.dir)) {
			r, ok = x, true
		}
	}
	return r, ok
}

// exactness orders the patterns that hold one directory.
func exactness(pattern string) int {
	if parent, all := strings.CutSuffix(pattern, "/..."); all {
		return 2 * len(parent)
	}
	return 2*len(pattern) + 1
}

// mayImport reports whether production code of room r in directory from may import directory to.
func (r room) mayImport(from, to string) bool {
	if below(to, "internal/test") && r.dir != "internal/test/..." {
		return false // also where the table says internal/...
	}
	if own, _ := roomOf(to); own.dir == r.dir && (!r.apart || from == to) {
		return true
	}
	return slices.ContainsFunc(r.may, func(pattern string) bool { return holds(pattern, to) })
}

func TestEveryPackageHasARoom(t *testing.T) {
	dirs := byPackage(allSources(t))
	for dir := range dirs {
		if _, ok := roomOf(dir); !ok {
			t.Errorf("package %s is in no room: move it into one, or add the room to the table in "+
				"internal/test/house/imports_test.go", dir)
		}
	}
	for _, r := range rooms {
		found := false
		for dir := range dirs {
			own, _ := roomOf(dir)
			found = found || own.dir == r.dir
		}
		if !found {
			t.Errorf("room %s is empty: take it out of the table in internal/test/house/imports_test.go", r.dir)
		}
	}
}

func TestImportsFollowTheTable(t *testing.T) {
	for _, s := range allSources(t) {
		if s.test() {
			continue
		}
		own, _ := roomOf(s.dir())
		for _, to := range s.ours() {
			switch {
			case own.mayImport(s.dir(), to):
			case below(to, "internal/test"):
				t.Errorf("%s imports %s: only tests do; what both need belongs in a room of its own, or in internal/",
					s.path, to)
			case own.apart && holds(own.dir, to):
				t.Errorf("%s imports %s: functions do not import each other; what both need belongs in "+
					"functions/api, functions/view or internal/",
					s.path, to)
			default:
				t.Errorf("%s imports %s: %s may import only %s; move the code up to who may, or what it needs down "+
					"to internal/",
					s.path, to, own.dir, list(own.may))
			}
		}
		for _, spec := range s.ast.Imports {
			if p := importPath(spec); (p == "testing" || strings.HasPrefix(p, "testing/")) &&
				own.dir != "internal/test/..." {
				t.Errorf("%s imports %s: support of tests belongs below internal/test", s.path, p)
			}
		}
	}
}

func list(patterns []string) string {
	if len(patterns) == 0 {
		return "nothing of ours"
	}
	return strings.Join(patterns, ", ")
}

// The table's copies stand between these lines.
const (
	begin = "BEGIN of the table in internal/test/house/imports_test.go"
	end   = "END of the table"
)

func TestTheTablesCopies(t *testing.T) {
	for _, c := range []struct{ file, before, after, text string }{
		{"README.md", "<!-- " + begin + " -->", "<!-- " + end + " -->", shortTable()},
		{"docs/architecture.md", "<!-- " + begin + " -->", "<!-- " + end + " -->", longTable()},
		{".golangci.yml", "      # " + begin, "      # " + end, depguard()},
	} {
		text := read(t, c.file)
		head, rest, ok1 := strings.Cut(text, c.before+"\n")
		old, tail, ok2 := strings.Cut(rest, c.after)
		switch {
		case !ok1 || !ok2:
			t.Errorf("%s has no place for the table: lines %q and %q", c.file, c.before, c.after)
		case old == c.text:
		case *update:
			text := head + c.before + "\n" + c.text + c.after + tail
			if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(c.file)), []byte(text), 0o644); err != nil {
				t.Error(err)
			}
		default:
			t.Errorf("%s shows another table than internal/test/house/imports_test.go has: go test "+
				"./internal/test/house -update writes it;\n%s",
				c.file, firstDifference(old, c.text))
		}
	}
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i] != b[i] {
			return fmt.Sprintf("  there: %s\n  table: %s", at(a, i), at(b, i))
		}
	}
	return ""
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}

// longTable is all of the table, in Markdown.
func longTable() string {
	var b strings.Builder
	b.WriteString("| directory | what it owns | may import, of ours |\n|---|---|---|\n")
	for _, r := range rooms {
		var may []string
		for _, m := range r.may {
			may = append(may, "`"+m+"`")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.dir, r.owns, list(may))
	}
	return b.String()
}

// shortTable is what README shows of it: the top level, and what it imports of the top level.
func shortTable() string {
	var b strings.Builder
	b.WriteString("| directory | what it owns | may import |\n|---|---|---|\n")
	for _, top := range []struct{ dir, owns string }{
		{"events", "the facts: identifiers, every subject, event types, the log"},
		{"functions", "what a function is, its runtime, the contract with callers (`api`); one package per function"},
		{"workloads", "long-running things: `catalog` (library, server, client, cryptography), `nexlet`, `web`"},
		{"deploy", "putting it somewhere: `world`, `accounts`, `cluster`, `nex`"},
		{"cli", "the commands; `cli/natster` is `main`"},
		{"internal", "the ground floor; `internal/test` supports tests and checks these rules"},
	} {
		fmt.Fprintf(&b, "| `%s/` | %s | %s |\n", top.dir, top.owns, list(topImports(top.dir)))
	}
	b.WriteString("| `docs/` | how it works, why, and how to run it | |\n")
	return b.String()
}

// topImports are the top-level directories that production code below dir may import, beside dir and internal.
func topImports(dir string) (tops []string) {
	for _, r := range rooms {
		if !below(strings.TrimSuffix(r.dir, "/..."), dir) || r.dir == "internal/test/..." {
			continue
		}
		for _, m := range r.may {
			top, _, _ := strings.Cut(m, "/")
			if top != dir && top != "internal" && !slices.Contains(tops, top) {
				tops = append(tops, top)
			}
		}
	}
	slices.SortFunc(tops, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
	if dir != "internal" {
		tops = append(tops, "internal")
	}
	return tops
}

var order = []string{"workloads", "deploy", "functions", "events"}

// depguard is the table as rules of golangci-lint's depguard.
func depguard() string {
	var b strings.Builder
	for _, r := range rooms {
		if r.dir == "internal/test/..." {
			continue
		}
		name := strings.NewReplacer("/...", "-all", "/", "-").Replace(r.dir)
		fmt.Fprintf(&b, "        %s:\n          list-mode: lax\n          files:\n", name)
		fmt.Fprintf(&b, "            - %q\n", "**/"+strings.Replace(glob(r.dir), "/**", "/**", 1))
		for _, x := range rooms { // what is more exact has rules of its own
			if x.dir != r.dir && holds(r.dir, strings.TrimSuffix(x.dir, "/...")) {
				fmt.Fprintf(&b, "            - %q\n", "!**/"+glob(x.dir))
			}
		}
		b.WriteString("            - \"!$test\"\n")
		b.WriteString("          deny:\n")
		fmt.Fprintf(&b, "            - pkg: %s/\n              desc: %q\n", module,
			r.dir+" imports only "+list(r.may)+": see docs/architecture.md")
		fmt.Fprintf(&b, "            - pkg: %s/internal/test\n              desc: \"support of tests, for tests "+
			"only\"\n", module)
		b.WriteString("          allow:\n")
		own := r.may
		if !r.apart {
			own = append([]string{r.dir}, own...)
		}
		for _, m := range own {
			if parent, all := strings.CutSuffix(m, "/..."); all {
				fmt.Fprintf(&b, "            - %s/%s\n", module, parent)
			} else {
				fmt.Fprintf(&b, "            - %s/%s$\n", module, m)
			}
		}
	}
	return b.String()
}

// glob is a pattern's files, as depguard wants them.
func glob(pattern string) string {
	if parent, all := strings.CutSuffix(pattern, "/..."); all {
		return parent + "/**"
	}
	return pattern + "/*.go"
}

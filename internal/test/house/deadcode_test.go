//go:build lint

package house

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestDeadCode compares the functions that no call from cli/natster reaches with deadcode.txt, where each has a reason.
// It takes a minute and therefore has a build tag: make lint.
func TestDeadCode(t *testing.T) {
	list, err := os.ReadFile("deadcode.txt")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for line := range strings.Lines(string(list)) {
		name, reason, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" || name == "#" {
			continue
		}
		if listed[name] = true; strings.TrimSpace(reason) == "" {
			t.Errorf("deadcode.txt: %s has no reason", name)
		}
	}
	const format = `{{range .Funcs}}{{$.Path}}.{{.Name}}{{"\n"}}{{end}}`
	find := exec.CommandContext(t.Context(), "go", "tool", "-modfile=.ci/tools.mod", "deadcode", "-f", format,
		"./cli/natster")
	find.Dir, find.Stderr = root, os.Stderr
	out, err := find.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Fields(string(out)) {
		name := strings.TrimPrefix(line, module+"/")
		if !listed[name] {
			t.Errorf("%s is not reached from cli/natster: remove it, or give a reason for it in "+
				"internal/test/house/deadcode.txt", name)
		}
		delete(listed, name)
	}
	for name := range listed {
		t.Errorf("deadcode.txt lists %s, which is reached or gone: remove the line", name)
	}
}

//go:build browser

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheWebsiteInABrowser runs the chapters of ../page/e2e, each in a world of its own. NATSTER_E2E picks one of them;
// NATSTER_SHOTS is a directory for screenshots, NATSTER_FIXTURE one that keeps alice's films for the next time.
func TestTheWebsiteInABrowser(t *testing.T) {
	chapters, err := filepath.Glob("../page/e2e/*.test.mjs")
	if err != nil || len(chapters) == 0 {
		t.Fatalf("no chapters: %v", err)
	}
	shots := os.Getenv("NATSTER_SHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	films := os.Getenv("NATSTER_FIXTURE")
	if films == "" {
		films = t.TempDir()
	}
	made := newFixture(t, films)
	for _, chapter := range chapters {
		name := strings.TrimSuffix(filepath.Base(chapter), ".test.mjs")
		if only := os.Getenv("NATSTER_E2E"); only != "" && only != name {
			continue
		}
		t.Run(name, func(t *testing.T) {
			s := newStage(t, made.copy(t))
			out, err := s.node(shots, "--test", "--test-reporter=spec", chapter).CombinedOutput()
			t.Logf("%s", out)
			if err != nil {
				t.Errorf("%s: %v\nthe site's log:\n%s", name, err, s.log.String())
			}
		})
	}
}

// node is the browser's side of a test, in Node.
func (s *stage) node(shots string, args ...string) *exec.Cmd {
	run := exec.CommandContext(s.t.Context(), "node", args...)
	run.Env = append(os.Environ(), "SITE="+s.url, "OPEN="+s.open,
		"CONTROL="+s.control, "SHOTS="+shots, "DOWNLOADS="+s.t.TempDir(),
		// Playwright would have Chromium report each WebSocket message of the worker, with its content, which halves
		// the worker's speed; nobody here reads the reports.
		"PLAYWRIGHT_DISABLE_SERVICE_WORKER_NETWORK=1")
	return run
}

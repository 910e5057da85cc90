package cli_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"natster/internal/test/wait"
)

func demoEnv(t *testing.T) (tmp string, env func(string) string) {
	t.Helper()
	t.Parallel()
	tmp = t.TempDir()
	return tmp, func(name string) string { return map[string]string{"HOME": tmp, "TMPDIR": tmp}[name] }
}

func empty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("the demo left %v, %v", left, err)
	}
}

func TestTheDemoTellsTheWholeStoryAndLeavesNothing(t *testing.T) {
	tmp, env := demoEnv(t)
	r := runWith(t, env, "demo", "--noise", "4").ok()
	r.says("natster catalog share media bob", "media from alice, online now", "natster catalog import media alice",
		"pictures/two circles.png", "✓ 11 of 11 files", "of it plaintext: 0 bytes", "not shared", "✓ refused",
		"raw NATS", "natster devrun")
	if r.err != "" {
		t.Errorf("stderr:\n%s", r.err)
	}
	if n := strings.Count(r.out, "\n"); n > 70 {
		t.Errorf("%d lines are too many to read", n)
	}
	empty(t, tmp)
}

func TestTheDemoSharesAnyDirectory(t *testing.T) {
	tmp, env := demoEnv(t)
	r := runWith(t, env, "demo", films(t), "--noise", "4", "--json").ok()
	var d struct {
		Files     int   `json:"files"`
		Verified  int   `json:"verified"`
		Bytes     int64 `json:"bytes"`
		Media     int64 `json:"tap_media_bytes"`
		Plaintext int   `json:"tap_plaintext"`
	}
	if err := json.Unmarshal([]byte(r.out), &d); err != nil {
		t.Fatalf("%v in:\n%s", err, r.out)
	}
	if d.Files != 6 || d.Verified != 6 || d.Plaintext != 0 || d.Media < d.Bytes || d.Bytes == 0 {
		t.Errorf("%+v", d)
	}
	empty(t, tmp)
	runWith(t, env, "demo", "/nowhere/at/all").exits(1).warns("not a directory")
}

func TestAnInterruptedDemoLeavesNothing(t *testing.T) {
	tmp, env := demoEnv(t)
	m := &machine{t: t}
	r := m.startWith(env, "demo", "Bob finds it in his inbox")
	if code := r.interrupt(); code != 130 {
		t.Errorf("exit %d: %s", code, r.err)
	}
	empty(t, tmp)
}

func TestAKeptDemoGoesOnUntilInterrupted(t *testing.T) {
	tmp, env := demoEnv(t)
	m := &machine{t: t}
	r := m.startWith(env, "demo --keep --noise 4", "natster events")
	inside := make(map[string]string)
	for word := range strings.FieldsSeq(r.out.String()) {
		if name, dir, ok := strings.Cut(word, "="); ok && strings.HasPrefix(name, "XDG_") {
			inside[name] = dir
		}
	}
	asked := func(name string) string { return inside[name] }
	// The server hears of the new share a moment later.
	wait.Eventually(t, "bob sees the catalog again", func() bool {
		c := runWith(t, asked, "--context", "bob", "catalog", "contents", "media")
		return c.code == 0 && strings.Contains(c.out, "11 files")
	})
	if code := r.interrupt(); code != 130 {
		t.Errorf("exit %d: %s", code, r.err)
	}
	empty(t, tmp)
}

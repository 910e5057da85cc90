package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"natster/cli"
	"natster/internal/test/wait"
)

// Whoever asks for an address, or follows the log, has nothing of a command that goes on unheard.
func TestACommandWhoseResultIsToBeReadEndsWhereItCannotBeWritten(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	m.run("catalog", "new", "films", films(t)).ok()
	m.start("serve", "SERVING")
	for _, line := range []string{"open films", "open films readme.txt", "events", "get films readme.txt -o -"} {
		var stderr bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), wait.Patience)
		code := cli.Main(ctx, cli.Outside{
			Args: append([]string{"natster"}, strings.Fields(line)...), Stdin: strings.NewReader(""),
			Stdout: brokenPipe{syscall.ENOSPC}, Stderr: &stderr,
			Getenv: m.env,
		})
		cancel()
		if code != 1 || !strings.HasSuffix(stderr.String(), "natster: write the result: no space left on device\n") {
			t.Errorf("%s: exit %d, %s", line, code, &stderr)
		}
	}
}

// What an error says to try is the line that was typed, and what it lacked: it can be typed as it is.
func TestATryIsALineThatCanBeTyped(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	m.run("catalog", "new", "films", films(t)).ok()
	m.natster("init bob").ok()
	m.natster("--context alice share films bob").ok()
	for line, want := range map[string]string{"catalog import ": "films", "catalog import films ": "alice"} {
		if got := m.complete(line); !strings.Contains("\n"+got.out, "\n"+want+"\n") {
			t.Errorf("%s completes to %q", line, got.out)
		}
	}
	m.natster("catalog import films alice").ok()
	if got := m.complete("catalog import "); strings.Contains(got.out, "films") {
		t.Errorf("what is imported already is offered again: %q", got.out)
	}
	dir := filepath.Join(t.TempDir(), "it's here")
	m.run("--context", "bob", "get", "films", "a name with space.md", "-o",
		dir).exits(1).warns("nobody serves the catalog now",
		"  try: natster --context bob get films 'a name with space.md' -o '"+strings.ReplaceAll(dir, "'",
			`'\''`)+"' --wait\n")
	m.run("get", "films", "--all", "--json").exits(1).warns(`"try":"natster get films --all --json --wait"}`)
	m.natster("catalog contents films").exits(1).warns("nobody serves the catalog now", "try: natster catalog ls\n")
	m.natster("open films").exits(1).warns("nobody serves the catalog now", "try: natster catalog ls\n")

	m.start("--context alice serve", "SERVING")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "readme.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	m.run("get", "films", "--out", dir, "--", "readme.txt").exits(1).warns(
		"  try: natster get films --out '" + strings.ReplaceAll(dir, "'", `'\''`) + "' --overwrite -- readme.txt\n")
	for _, n := range []string{"0", "-1"} {
		m.run("get", "films", "--all", "--jobs="+n).exits(2).warns("at least 1", "usage: natster get CATALOG")
	}
	m.natster("share films bob --context bob").exits(1)
	m.natster("init bob --context alice").exits(1).warns("context alice is for account alice\n",
		"try: natster --context NAME init bob\n")
	m.natster("share films alice --context alice").exits(1).warns("natster: that is your own account")
}

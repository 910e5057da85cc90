package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A real bash completes: what it hands over are words as they were typed, backslashes and open quotes included.
func TestBashCompletesNamesWithSpacesAndQuotes(t *testing.T) {
	t.Parallel()
	s := newStage(t, 1)
	for _, name := range []string{"two circles.png", "two squares.png", "it's (here).txt", "plain.txt"} {
		must(t, os.WriteFile(filepath.Join(s.media, name), []byte(name), 0o600))
	}
	s.run("--context", "alice", "catalog", "rescan", "media")
	s.run("context", "use", "alice")
	bin, script := t.TempDir(), filepath.Join(t.TempDir(), "completion.bash")
	must(t, os.Symlink(os.Args[0], filepath.Join(bin, "natster")),
		os.WriteFile(script, []byte(s.run("completion", "bash")), 0o600))
	complete := func(words ...string) []string {
		t.Helper()
		const press = `source "$0"; COMP_WORDS=(natster "$@"); COMP_CWORD=$#; _natster; printf "%s\n" "${COMPREPLY[@]}"`
		cmd := exec.Command("bash", append([]string{"--norc", "-c", press, script}, words...)...)
		cmd.Env = append(s.env(), "PATH="+bin+":"+os.Getenv("PATH"))
		out, err := cmd.Output()
		must(t, err)
		found := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
		slices.Sort(found)
		return found
	}
	for _, c := range []struct {
		typed string
		want  []string
	}{
		{"pl", []string{"plain.txt"}},
		{"two", []string{`two\ circles.png`, `two\ squares.png`}},
		{`two\ c`, []string{`two\ circles.png`}},
		{`it`, []string{`it\'s\ \(here\).txt`}},
	} {
		if got := complete("catalog", "describe", "media", c.typed); !slices.Equal(got, c.want) {
			t.Errorf("after %s: %q, not %q", c.typed, got, c.want)
		}
	}
	for _, open := range []string{`"two c`, `'two c`} { // bash itself closes what is open
		if got := complete("catalog", "describe", "media", open); !slices.Equal(got, []string{"two circles.png"}) {
			t.Errorf("after %s: %q", open, got)
		}
	}
	if got := complete("sha"); !slices.Equal(got, []string{"share"}) {
		t.Errorf("after sha: %q", got)
	}
}

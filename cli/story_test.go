package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"natster/internal/test/wait"
)

func TestTwoPeopleShareADirectory(t *testing.T) {
	m := newMachine(t)
	dir := films(t)
	m.natster("init alice").ok().says("account alice is ready", "context  alice, in use now")
	m.natster("init bob").ok().says("account bob is ready", "natster context use alice")
	m.natster("init bob").ok().says("account bob has been ready since")
	m.natster("context use alice").ok()
	m.natster("whoami").ok().says("alice", m.Account("alice").Key.String())

	m.run("catalog", "new", "films", dir, "--description", "what we watched").ok().
		says("catalog films: 6 files", "natster catalog share films ACCOUNT")
	m.natster("catalog share films bob").ok().says("shared films with bob")
	m.natster("catalog share films bob").ok()
	serving := m.start("catalog serve films", "Ctrl-C ends it")

	inbox := m.natster("--context bob catalog inbox").ok().says("films from alice")
	pasted := strings.TrimPrefix(inbox.lineWith("catalog import films"), "natster ")
	m.natster(pasted).ok().says("imported films from alice")
	m.natster("--context bob catalog inbox").ok().says("natsterhub")
	m.natster("--context bob catalog ls").ok().says("films", "alice")
	m.natster("catalog shares").ok().says("IMPORTED", "you", "bob", "yes     yes")

	m.natster("--context bob catalog contents films").ok().
		says(`films: "what we watched"`, "2024/goat.mp4", "a name with space.md", "text/markdown", "6 files")

	out := t.TempDir()
	m.run("--context", "bob", "catalog", "download", "films", "2024/", "a name with space.md", "-o",
		out).ok().says("3 files in")
	sameFiles(t, dir, out, "2024/goat.mp4", "2024/snow/slide.mp4", "a name with space.md")
	m.run("--context", "bob", "catalog", "download", "films", "--all", "-o", out).ok().says("6 files in",
		"3 were there already")
	sameFiles(t, dir, out, "readme.txt", "2025/birthday.txt", "2025/empty.txt")
	m.run("--context", "bob", "catalog", "download", "films", "--all", "-o", out).ok().says("all were there already")

	m.natster("catalog unshare films bob").ok().says("films is no longer shared with bob")
	// The server hears of it through the feed, a moment later.
	var refused result
	wait.Eventually(t, "bob is refused", func() bool {
		refused = m.natster("--context bob catalog contents films")
		return refused.code != 0
	})
	refused.exits(1).warns("not shared")
	m.run("--context", "bob", "catalog", "download", "films", "--all", "-o", t.TempDir()).exits(1).warns("not shared")
	m.natster("catalog ls").ok().says("films") // alice still has it
	m.natster("--context bob catalog unimport films").ok()
	m.natster("--context bob catalog contents films").exits(1).warns("no catalog here is called")

	for _, line := range []string{"bob  lists films", "bob  reads films  2024/goat.mp4  920 kB"} {
		serving.waitFor(line)
	}
	if code := serving.interrupt(); code != 130 {
		t.Errorf("serve ended with %d", code)
	}
	m.natster("catalog rm films").ok().says("forgot catalog films")
	m.natster("catalog ls").ok().says("no catalogs yet")
	if _, err := os.Stat(filepath.Join(dir, "readme.txt")); err != nil {
		t.Errorf("a forgotten catalog's files are gone: %v", err)
	}
}

func TestAnInterruptedDownloadGoesOn(t *testing.T) {
	m := newMachine(t)
	dir := films(t)
	m.natster("init alice").ok()
	m.run("catalog", "new", "films", dir).ok()
	m.start("catalog serve", "Ctrl-C ends it")
	out := t.TempDir()
	want, err := os.ReadFile(filepath.Join(dir, "2024/goat.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Entries []struct {
			Path string `json:"path"`
			Hash string `json:"hash"`
		} `json:"entries"`
	}
	loose(t, m.natster("catalog contents films --json"), &c)
	for _, e := range c.Entries {
		if e.Path != "2024/goat.mp4" {
			continue
		}
		if err := os.MkdirAll(filepath.Join(out, "2024"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(out, e.Path+"."+e.Hash[:12]+".partial"), want[:600_000],
			0o644); err != nil {
			t.Fatal(err)
		}
		m.run("catalog", "download", "films", e.Hash[:8], "-o", out).ok().says("1 file in",
			"1 continued where an earlier download ended")
	}
	sameFiles(t, dir, out, "2024/goat.mp4")
}

func TestACatalogFollowsItsDirectoryWhileItIsServed(t *testing.T) {
	m := newMachine(t)
	dir := films(t)
	m.natster("init alice").ok()
	m.run("catalog", "new", "films", dir).ok()
	m.start("catalog serve films", "Ctrl-C ends it")
	if err := os.WriteFile(filepath.Join(dir, "new.txt"), []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	wait.Eventually(t, "new.txt is in the catalog", func() bool {
		return strings.Contains(m.natster("catalog contents films").ok().out, "new.txt")
	})
}

func TestDescriptionsAndRescan(t *testing.T) {
	m := newMachine(t)
	dir := films(t)
	m.natster("init alice").ok()
	m.run("catalog", "new", "films", dir).ok()
	m.run("catalog", "describe", "films", "what we watched").ok()
	m.run("catalog", "describe", "films", "2024/goat.mp4",
		"the one with the goat").ok().says("2024/goat.mp4: the one with the goat")
	m.run("catalog", "describe", "films", "2024/gaot.mp4", "x").exits(1).warns(`natster: "2024/gaot.mp4": no such file`)
	if err := os.Remove(filepath.Join(dir, "readme.txt")); err != nil {
		t.Fatal(err)
	}
	m.natster("catalog rescan films").ok().says("5 files", "0 added, 0 changed, 1 removed")
	m.natster("catalog contents films").ok().says(`films: "what we watched"`, "the one with the goat")
	m.run("catalog", "new", "films", dir).exits(1).warns("there is a catalog films already",
		"try: natster catalog rescan films")
}

func sameFiles(t *testing.T, want, got string, paths ...string) {
	t.Helper()
	for _, p := range paths {
		a, err := os.ReadFile(filepath.Join(want, p))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(got, p))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s is not what it was", p)
		}
	}
}

func TestAStrangerIsShownWithTheNameHeChose(t *testing.T) {
	alices := newMachine(t)
	bobs := &machine{alices.World, t, t.TempDir()}
	alices.natster("init alice").ok()
	bobs.natster("init bob").ok()
	bob, alice := alices.Account("bob").Key, alices.Account("alice").Key
	alices.run("catalog", "new", "films", films(t)).ok()
	alices.natster("catalog share films " + bob.String()).ok()
	wait.Eventually(t, "the share is known, of which bob's machine has seen nothing", func() bool {
		return strings.Contains(bobs.natster("catalog inbox").ok().out, "films from ")
	})
	bobs.natster("catalog inbox").ok().says("films from " + alice.Short() + ` (goes by "alice")`)
	bobs.natster("contacts add ally " + alice.String()).ok()
	bobs.natster("catalog inbox").ok().says("films from ally, ")
}

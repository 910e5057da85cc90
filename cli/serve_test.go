package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"natster/internal/test/wait"
)

// exists tells whether alice's catalog has a file.
func (m *machine) exists(catalog string) bool {
	_, err := os.Stat(filepath.Join(m.home, ".local/share/natster/alice/catalogs", catalog+".json"))
	return err == nil
}

// shared is a machine on which alice has made catalogs, and bob has imported them.
func shared(t *testing.T, catalogs ...string) (*machine, map[string]string) {
	m := newMachine(t)
	dirs := make(map[string]string)
	m.natster("init alice").ok()
	m.natster("init bob").ok()
	m.natster("context use alice").ok()
	for _, c := range catalogs {
		dirs[c] = directory(t, map[string]string{c + ".txt": "what is in " + c})
		m.run("catalog", "new", c, dirs[c]).ok()
		m.natster("catalog share " + c + " bob").ok()
		m.natster("--context bob catalog import " + c + " alice").ok()
	}
	return m, dirs
}

// has waits until bob finds a file in a catalog, and can read it.
func (m *machine) has(catalog string) {
	m.t.Helper()
	wait.Eventually(m.t, "bob can read "+catalog, func() bool {
		r := m.run("--context", "bob", "catalog", "download", catalog, "--all", "--overwrite", "-o", m.t.TempDir())
		return r.code == 0
	})
}

func TestOneMissingDirectoryDoesNotKeepTheOtherCatalogsFromBeingServed(t *testing.T) {
	m, dirs := shared(t, "films", "music")
	aside := dirs["music"] + ".aside"
	if err := os.Rename(dirs["music"], aside); err != nil {
		t.Fatal(err)
	}
	serving := m.start("catalog serve", "Ctrl-C ends it")
	m.has("films")
	if !strings.Contains(serving.err.String(), "music: ") {
		t.Errorf("it does not say what is missing:\n%s", serving.err)
	}
	if err := os.Rename(aside, dirs["music"]); err != nil {
		t.Fatal(err)
	}
	m.has("music")
}

func TestACatalogFileThatCannotBeReadIsSaidAndServedWhenItIsMended(t *testing.T) {
	m, _ := shared(t, "films", "music")
	file := filepath.Join(m.home, ".local/share/natster/alice/catalogs/music.json")
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, good[:len(good)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	serving := m.start("catalog serve", "Ctrl-C ends it")
	m.has("films")
	if !strings.Contains(serving.err.String(), "music: ") {
		t.Errorf("it does not say what is not served:\n%s", serving.err)
	}
	if err := os.WriteFile(file, good, 0o600); err != nil {
		t.Fatal(err)
	}
	serving.waitFor("serves music")
	m.has("music")
}

func TestCatalogsComeAndGoWhileServeRuns(t *testing.T) {
	m, _ := shared(t, "films")
	serving := m.start("catalog serve", "Ctrl-C ends it")
	dir := directory(t, map[string]string{"a.txt": "a"})
	m.run("catalog", "new", "music", dir).ok()
	serving.waitFor("serves music")
	m.natster("catalog share music bob").ok()
	m.natster("--context bob catalog import music alice").ok()
	m.has("music")

	m.natster("catalog rm music").ok()
	// Serve must not write it down:
	if err := os.WriteFile(filepath.Join(dir, "b.txt"), []byte("b"), 0o644); err != nil {
		t.Fatal(err)
	}
	serving.waitFor("no longer serves music")
	m.natster("--context bob catalog contents music").exits(1).warns("nobody serves the catalog now")
	m.has("films")
	if code := serving.interrupt(); code != 130 {
		t.Errorf("serve ended with %d", code)
	}
	if m.exists("music") || !m.exists("films") {
		t.Error("a catalog that was forgotten while it was served is back, or another is gone")
	}
}

func TestACatalogThatIsForgottenAndMadeOfAnotherDirectoryIsServedFromThere(t *testing.T) {
	m, _ := shared(t, "films")
	serving := m.start("catalog serve", "Ctrl-C ends it")
	dir := directory(t, map[string]string{"elsewhere.txt": "of the new directory"})
	m.natster("catalog rm films").ok()
	m.run("catalog", "new", "films", dir).ok()
	wait.Eventually(m.t, "bob sees what is in the new directory", func() bool {
		r := m.natster("--context bob catalog contents films")
		return r.code == 0 && strings.Contains(r.out, "elsewhere.txt")
	})
	m.natster("catalog contents films").ok().says("elsewhere.txt")
	m.has("films")
	serving.interrupt()
	m.natster("catalog contents films").ok().says("elsewhere.txt")
}

func TestServeWaitsForTheWorldAndGoesOnWhenItIsBack(t *testing.T) {
	m, _ := shared(t, "films")
	m.Stop(t)
	serving := m.start("catalog serve films", "")
	if !serving.err.wait("waiting for it", wait.Patience) {
		t.Fatalf("it does not wait: %s", serving.err)
	}
	m.Resume(t)
	serving.waitFor("SERVING")
	m.has("films")
	if n := strings.Count(serving.err.String(), "waiting"); n != 1 {
		t.Errorf("it says %d times that it waits:\n%s", n, serving.err)
	}
	m.Restart(t)
	serving.waitFor("connected again")
	m.has("films")
}

func TestShareSaysWhenNobodyServesTheCatalog(t *testing.T) {
	m, _ := shared(t, "films")
	m.natster("catalog share films bob").ok().warns("nobody serves films now", "try: natster serve films")
	m.natster("--context bob catalog contents films").exits(1).warns("nobody serves the catalog now")
	m.start("catalog serve films", "Ctrl-C ends it")
	if r := m.natster("catalog share films bob").ok(); r.err != "" {
		t.Errorf("it warns of nothing:\n%s", r.err)
	}
	m.natster("catalog share films bob --json").ok().says(`"served": true`)
}

func TestServeShowsTheLimitsThatItsOwnerSets(t *testing.T) {
	m, _ := shared(t, "films")
	serving := m.start("serve --limit 40Mbit/s --sessions 8", "Ctrl-C ends it")
	for _, text := range []string{"others get at most 5.0 MB/s, in all\n", "an account may read 8 files at a time\n"} {
		serving.waitFor(text)
	}
	m.has("films")
	serving.interrupt()
	serving = m.start("serve --limit 5MB --json", `"limit":5000000`)
	serving.interrupt()
	serving = m.start("serve", "Ctrl-C ends it")
	if out := serving.out.String(); strings.Contains(out, "at most") || strings.Contains(out, "at a time") {
		t.Errorf("limits that nobody set are shown:\n%s", out)
	}
}

package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/internal/test/wait"
)

const someHash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" // of "test"

// served is a catalog of alice's that bob has imported, and that answers with the listing that it holds.
func served(t *testing.T) (m *machine, listing *atomic.Value) {
	m = newMachine(t)
	media := t.TempDir()
	if err := os.WriteFile(filepath.Join(media, "a.txt"), []byte("test"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"init alice", "init bob", "--context alice catalog new films " + media,
		"--context alice catalog share films bob",
		"--context bob catalog import films alice",
	} {
		m.natster(line).ok()
	}
	nc := m.Account("alice").Conn(t)
	listing = &atomic.Value{}
	_, err := nc.Subscribe("*.natster.catalog.films.get",
		func(q *nats.Msg) { _ = q.Respond([]byte(listing.Load().(string))) })
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return m, listing
}

func TestAListingOfWhichNothingCanBeTakenIsNoSuccess(t *testing.T) {
	m, listing := served(t)
	entry := func(path string) string {
		return fmt.Sprintf(`{"path":%q,"description":"","mime_type":"text/plain","byte_size":4,"hash":%q}`, path,
			someHash)
	}
	set := func(entries ...string) {
		listing.Store(`{"code":200,"data":{"name":"films","description":"","entries":[` + strings.Join(entries,
			",") + `]}}`)
	}
	download := func() result {
		return m.run("--context", "bob", "get", "films", "--all", "-o", filepath.Join(t.TempDir(), "out"))
	}
	set(entry("../a"), entry("/.b"), entry("c//d"))
	if r := download().exits(1); strings.Contains(r.out+r.err, "0 files") || !strings.Contains(r.err,
		"3 entries, and all were left out") ||
		!strings.Contains(r.err, "it is hidden") {
		t.Errorf("%s%s", r.out, r.err)
	}
	set()
	download().ok().says("nothing is in films")
}

func TestAFileGoesToStdoutAndNothingElse(t *testing.T) {
	m, dir := newMachine(t), films(t)
	for _, line := range []string{
		"init alice", "init bob", "--context alice catalog new films " + dir, "--context alice catalog share films bob",
		"--context bob catalog import films alice",
	} {
		m.natster(line).ok()
	}
	m.natster("--context bob get films goat.mp4 -o -").exits(1).warns("nobody serves", "--wait")
	out := t.TempDir()
	waiting := m.start("--context bob get films --all --wait --jobs 2 -o "+out, "")
	if !waiting.err.wait("waiting for its owner", wait.Patience) {
		t.Fatal(waiting.err)
	}
	serving := m.start("--context alice catalog serve films", "Ctrl-C ends it")
	waiting.waitFor("6 files in")
	want, err := os.ReadFile(filepath.Join(dir, "2024/goat.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"goat.mp4", "2024/goat.mp4", "go*.mp4"} {
		if r := m.natster("--context bob get films " + word + " -o -").ok(); r.out != string(want) {
			t.Errorf("%s: %d bytes", word, len(r.out))
		}
	}
	m.natster("--context bob get films --all -o -").exits(2).warns("only one file")
	m.natster("--context bob get films goat.mp5 -o -").exits(1).warns("goat.mp4")
	serving.interrupt()
}

// Characters that nobody sees may not make two names look like one.
func TestWhatIsUnseenInANameIsShown(t *testing.T) {
	m, listing := served(t)
	for i, path := range []string{"a\u200fb.txt", "a\u200bb.txt"} {
		listing.Store(fmt.Sprintf(`{"code":200,"data":{"name":"films","description":"","entries":[`+
			`{"path":%q,"description":"","mime_type":"text/plain","byte_size":4,"hash":%q}]}}`, path, someHash))
		m.run("--context", "bob", "catalog", "contents", "films").ok().says([]string{`a\u200fb.txt`, `a\u200bb.txt`}[i])
	}
}

func TestWhatStandsInTheWayIsNotSaidToBeReplaced(t *testing.T) {
	m, _ := shared(t, "films")
	m.start("catalog serve", "Ctrl-C ends it")
	out := t.TempDir()
	if err := os.Mkdir(filepath.Join(out, "films.txt"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, how := range []string{"--all", "--overwrite"} {
		r := m.run("--context", "bob", "catalog", "download", "films", how, "films.txt", "-o", out)
		if how == "--all" {
			r = m.run("--context", "bob", "catalog", "download", "films", how, "-o", out)
		}
		r.exits(1).warns("films.txt", "no download replaces it", "-o DIR")
		if strings.Contains(r.err, "--overwrite …") {
			t.Errorf("it says to type what does not help:\n%s", r.err)
		}
	}
}

func TestNoDirectoryIsNotTheOneThatOneIsIn(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	m.run("catalog", "new", "films", "").exits(1).warns("no directory is named", "catalog new films DIR")
	if m.exists("films") {
		t.Error("a directory that nobody named is a catalog")
	}
}

func TestALongListingHasTimes(t *testing.T) {
	m, dirs := shared(t, "films")
	at := time.Date(2019, 8, 7, 6, 5, 4, 0, time.Local)
	if err := os.Chtimes(filepath.Join(dirs["films"], "films.txt"), at, at); err != nil {
		t.Fatal(err)
	}
	m.natster("catalog rescan films").ok()
	m.natster("catalog contents films --long").ok().says("MODIFIED", "2019-08-07 06:05:04")
}

func TestWhatNatsterKeepsIsNoCatalog(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	m.run("catalog", "new", "films", films(t)).ok()
	m.run("catalog", "new", "home", filepath.Join(m.home, ".local")).ok().warns("holds keys")
	if r := m.run("catalog", "contents", "home", "--json").ok(); strings.Contains(r.out, "natster/") {
		t.Errorf("what Natster keeps is listed: %s", r.out)
	}
	m.run("catalog", "new", "keys", m.Config().Dir).exits(1).warns("holds what nobody else may see")
}

package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTwoFriendsHaveCatalogsOfOneName(t *testing.T) {
	m := newMachine(t)
	for _, who := range []string{"alice", "bob", "carol"} {
		m.natster("init " + who).ok()
	}
	for who, file := range map[string]string{"alice": "from-alice.txt", "bob": "from-bob.txt"} {
		dir := directory(t, map[string]string{file: "hello from " + who})
		m.run("--context", who, "catalog", "new", "films", dir).ok()
		m.natster("--context " + who + " catalog share films carol").ok()
		m.start("--context "+who+" catalog serve films", "Ctrl-C ends it")
	}
	m.natster("context use carol").ok()
	m.natster("catalog import films").exits(1).warns("alice", "bob", "name one")
	m.natster("catalog import films alice").ok()
	m.natster("catalog import films bob").exits(1).warns("films is a catalog that you import from alice",
		"try: natster catalog import films bob --as bobfilms")
	line := m.natster("catalog inbox").ok().lineWith("import films bob")
	m.natster(strings.TrimPrefix(line, "natster ")).ok().says("imported films from bob as bobfilms")
	m.natster("catalog ls").ok().says("bobfilms", "films")
	m.natster("catalog contents films").ok().says("from-alice.txt")
	m.natster("catalog contents bobfilms").ok().says("from-bob.txt")
	out := t.TempDir()
	m.run("catalog", "download", "bobfilms", "--all", "-o", out).ok().says("1 file in")

	m.natster("catalog import films alice --as alicefilms").ok() // renames it
	m.natster("catalog contents films").exits(1).warns("alicefilms and bobfilms", "name one")
	m.natster("catalog unimport bobfilms").ok()
	m.natster("catalog contents films").ok().says("from-alice.txt") // the only one of that name
	m.natster("catalog new alicefilms "+t.TempDir()).exits(1).warns("alicefilms", "you import from alice")
	other := directory(t, map[string]string{"a.txt": "a"})
	m.run("catalog", "new", "AliceFilms", other).ok().warns("differ in capitals only")
	m.run("catalog", "new", "films", directory(t, map[string]string{"b.txt": "b"})).ok()
	m.natster("catalog import films bob").exits(1).warns("films is a catalog of yours", "--as bobfilms")

	// A file that came there in another way: requests would reach both.
	twin := filepath.Join(m.home, ".local/share/natster/carol/catalogs/alicefilms.json")
	if err := os.WriteFile(twin, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m.natster("catalog contents alicefilms").exits(1).warns(
		"alicefilms is a catalog of yours and one that you import from alice")
}

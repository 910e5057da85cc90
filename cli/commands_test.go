package cli_test

import (
	"encoding/json"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"natster/internal/test/worldtest"
)

func loose(t *testing.T, r result, v any) {
	t.Helper()
	r.ok()
	if err := json.Unmarshal([]byte(r.out), v); err != nil {
		t.Fatalf("$ %s\n%v in:\n%s", r.line, err, r.out)
	}
}

func TestListingsAreJSONWhenAskedWhereverTheFlagStands(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice --json").ok()
	m.natster("init bob --json").ok()
	m.natster("context use alice").ok()
	m.run("catalog", "new", "films", films(t), "--json").ok()
	m.natster("catalog share films bob --json").ok()
	lists := []string{"context ls", "contacts ls", "catalog ls", "catalog shares", "catalog inbox",
		"--context bob catalog inbox"}
	for _, line := range lists {
		for _, flagged := range []string{"--json " + line, line + " --json"} {
			var rows []map[string]any
			r := m.natster(flagged)
			loose(t, r, &rows)
			if rows == nil {
				t.Errorf("$ %s\nprints null, not a list", r.line)
			}
		}
	}
	for _, line := range []string{"whoami", "stats", "version", "catalog contents films", "login",
		"catalog rescan films"} {
		var v map[string]any
		loose(t, m.natster(line+" --json"), &v)
		if len(v) == 0 {
			t.Errorf("natster %s --json prints nothing", line)
		}
	}
	r := m.natster("events --from 1 --no-follow --json").ok()
	types := make(map[string]bool)
	for l := range strings.Lines(r.out) {
		var e struct {
			Type     string `json:"type"`
			Position int    `json:"position"`
		}
		if err := json.Unmarshal([]byte(l), &e); err != nil || e.Position == 0 {
			t.Fatalf("%v, position %d: %s", err, e.Position, l)
		}
		types[e.Type] = true
	}
	if !types["natster_initialized"] || !types["catalog_shared"] {
		t.Errorf("events are %v", types)
	}
}

func TestAWrongNameIsAnsweredWithWhatWasMeant(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	m.natster("init bob").ok()
	m.natster("context use alice").ok()
	m.run("catalog", "new", "films", films(t)).ok()
	m.run("catalog", "new", "idle", films(t)).ok()
	m.start("catalog serve films", "Ctrl-C ends it")
	m.natster("share films bob").ok()
	key := m.Account("bob").Key.String()
	wrong := key[:55] + "A"
	if wrong == key {
		wrong = key[:55] + "B"
	}
	for _, c := range []struct {
		line string
		code int
		want []string
	}{
		{"catalog share flims bob", 1, []string{`no catalog of yours is called "flims"; did you mean films?`,
			"try: natster catalog ls"}},
		{"catalog share films bbo", 1, []string{`nobody is called "bbo"; did you mean bob?`}},
		{"catalog share films carol", 1, []string{`nobody is called "carol"`, "try: natster contacts add carol KEY"}},
		{"catalog share films " + wrong, 1, []string{"is not an account key"}},
		{"catalog share films alice", 1, []string{"natster: "}},
		{"catalog contents flims", 1, []string{"did you mean films?"}},
		{"catalog import films bob", 1, []string{`nothing that bob shares with you is called "films"`,
			"try: natster catalog inbox"}},
		{"catalog unimport films", 1, []string{`no imported catalog is called "films"`}},
		{"catalog unshare idle bob", 1, []string{`nothing that you share with bob is called "idle"`}},
		{"catalog download films 2024/gaot.mp4", 1,
			[]string{`did you mean "2024/goat.mp4"`, "try: natster catalog contents films"}},
		{"catalog download films GOAT.mp4", 1, []string{`did you mean "2024/goat.mp4"`}},
		{"catalog open films ffff", 1, []string{"no such file"}},
		{"catalog new 2024/07 .", 1, []string{"not a catalog name"}},
		{"catalog new new /nowhere/at/all", 1, []string{"directory"}},
		{"context use alcie", 1, []string{"did you mean alice?", "try: natster context use alice"}},
		{"--context nobody whoami", 1, []string{`no context is called "nobody"`, "context ls"}},
		{"--context ../x whoami", 1, []string{"not a name for a context"}},
		{"--context bob get films --all", 1, []string{"alice shares films with you, and you have not imported it yet",
			"try: natster --context bob catalog import films alice"}},
		{"open idle readme.txt", 1, []string{"idle: nobody serves the catalog now", "try: natster serve idle"}},
		{"contacts rm bob", 1, []string{`no contact is called "bob"`}},
		{"contacts add bob notakey", 1, []string{"not an account key"}},
		{"admin rebuild share", 1, []string{"did you mean shares?"}},
		{"catalg ls", 2, []string{"did you mean catalog?", "usage: natster catalog"}},
		{"catalog lss", 2, []string{"did you mean ls?", "usage: natster catalog ls"}},
		{"download films", 2, []string{"did you mean natster catalog download (or: natster get)?",
			"usage: natster catalog download"}},
		{"catalog login", 2, []string{"did you mean natster login?", "usage: natster login"}},
		{"rm films", 2, []string{"did you mean natster catalog rm or natster contacts rm?",
			"usage: natster catalog rm"}},
		{"inbx", 2, []string{"did you mean natster catalog inbox?"}},
		{"get flims --all", 1, []string{"did you mean films?"}},
		{"get films", 2, []string{"--all", "usage: natster get CATALOG"}},
		{"share films", 2, []string{"ACCOUNT is missing", "usage: natster share CATALOG ACCOUNT"}},
		{"catalog ls --jsno", 2, []string{"did you mean --json?"}},
		{"catalog share films", 2, []string{"ACCOUNT is missing", "usage: natster catalog share CATALOG ACCOUNT"}},
		{"catalog share films bob carol", 2, []string{`"carol" is one argument too many`}},
		{"catalog download films", 2, []string{"--all", "usage: natster catalog download CATALOG [PATH...]"}},
		{"catalog download films --parallel many", 2, []string{`natster: --parallel "many": not a number`}},
		{"serve --limit 5", 2, []string{`--limit: "5" is no rate: 5MB/s is one`, "usage: natster serve [CATALOG...]"}},
		{"serve --limit 1kB/s", 2, []string{"--limit: 1kB/s: a rate is at least 16 kB/s and at most 1.0 TB/s"}},
		{"serve --sessions 0", 2, []string{"--sessions is how many files one account may read at a time, 1 to 1024"}},
		{"serve --sessions many", 2, []string{`--sessions "many": not a number`}},
		{"catalog download films --out", 2, []string{"--out needs a value"}},
		{"admin rebuild", 2, []string{"--all"}},
		{"admin limits codes", 2, []string{`"codes" is not NAME=VALUE`, "usage: natster admin limits [NAME=VALUE...]"}},
		{"admin limits codes=many", 2, []string{"codes=many: a limit is a whole number"}},
		{"admin limits coeds=3", 1, []string{`no limit is called "coeds"; did you mean codes?`}},
		{"admin limits codes=5000", 1, []string{"codes is 5000: it is at least 1 and at most 1024"}},
		{"completion tcsh", 2, []string{"bash, zsh or fish"}},
	} {
		r := m.natster(c.line).exits(c.code).warns(c.want...)
		if r.out != "" {
			t.Errorf("$ %s\nan error is on stdout:\n%s", r.line, r.out)
		}
		if first, _, _ := strings.Cut(r.err, "\n"); !strings.HasPrefix(first, "natster: ") {
			t.Errorf("$ %s\nthe first line is %q", r.line, first)
		}
		if n := strings.Count(r.err, "\n"); n > 2 {
			t.Errorf("$ %s\n%d lines:\n%s", r.line, n, r.err)
		}
	}
}

func TestWithJSONAnErrorIsAnObject(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	for line, want := range map[string]struct {
		code       int
		error, try string
	}{
		"catalog contents flims --json": {1, `no catalog here is called "flims"`, "natster catalog ls"},
		"--json catalg ls": {2, `natster has no command "catalg"; did you mean catalog?`,
			"natster catalog"},
		"catalg ls --json": {2, `natster has no command "catalg"; did you mean catalog?`,
			"natster catalog"},
		"catalog share films --json": {2, "ACCOUNT is missing",
			"natster catalog share CATALOG ACCOUNT"},
		"--context alice --json catalog contents flims": {1, `no catalog here is called "flims"`,
			"natster --context alice catalog ls"},
	} {
		r := m.natster(line).exits(want.code)
		var got struct{ Error, Try string }
		if err := json.Unmarshal([]byte(r.err), &got); err != nil || got.Error != want.error || got.Try != want.try {
			t.Errorf("$ %s\n%v in:\n%s", r.line, err, r.err)
		}
		if r.out != "" {
			t.Errorf("$ %s\nan error is on stdout:\n%s", r.line, r.out)
		}
	}
}

func TestTheShortVerbsAreTheLongOnes(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	m.natster("init bob").ok()
	m.natster("context use alice").ok()
	dir, out := films(t), t.TempDir()
	m.run("catalog", "new", "films", dir).ok()
	m.natster("share films bob").ok().says("shared films with bob")
	m.start("serve films", "Ctrl-C ends it")
	m.natster("--context bob catalog import films").ok()
	for _, line := range []string{"ls", "list", "catalog ls", "catalog list"} {
		m.natster("--context bob "+line).ok().says("films", "alice")
	}
	m.run("--context", "bob", "get", "films", "readme.txt", "--out="+out).ok().says("1 file in")
	sameFiles(t, dir, out, "readme.txt")
	opened := m.start("--context bob open films readme.txt", "http://127.0.0.1:")
	opened.interrupt()
	m.natster("unshare films bob").ok().says("no longer shared with bob")
	for _, line := range []string{"contacts list", "context list"} {
		m.natster(line).ok().says("bob")
	}
}

func TestWithoutAnAccountOrAWorldTheWayInIsShown(t *testing.T) {
	home := t.TempDir()
	env := func(name string) string { return map[string]string{"HOME": home}[name] }
	for _, line := range []string{"whoami", "stats", "catalog ls", "catalog serve", "login"} {
		runWith(t, env, strings.Fields(line)...).exits(1).warns("no account yet", "try: natster init alice")
	}
	runWith(t, env, "init", "alice").exits(1).warns(": no world here\n  try: natster devrun\n")
	runWith(t, env, "events").exits(1).warns("try: natster devrun")
	runWith(t, env, "context", "ls").ok().says("no contexts yet")
	runWith(t, func(string) string { return "" }, "whoami").exits(1).warns("HOME")
}

func TestAStoppedWorldIsToldApart(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	dir := films(t)
	m.Stop(t)
	m.natster("whoami").exits(1).warns("the world is not running", "try: natster devrun")
	if r := m.natster("logout --web").exits(1); strings.Count(r.err, "not running") != 1 {
		t.Errorf("logout --web says %q", r.err)
	}
	m.run("catalog", "new", "films", dir).ok().warns("could not be checked")
	m.natster("catalog contents films").ok().says("readme.txt")
	m.natster("catalog ls").ok().says("films").warns("not running")
	m.Resume(t)
	m.natster("whoami").ok()
}

func TestWhyThereIsNoConnectionIsSaidAndDevrunOnlyWhereItHelps(t *testing.T) {
	m, other := newMachine(t), worldtest.Start(t)
	m.natster("init alice").ok()
	file := filepath.Join(m.home, ".config/natster/contexts/alice.json")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := "nats://" + closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		what, url, world string
		say, try         string
	}{
		{"a world that was remote, and is not there", gone, "", "nobody answers at " + gone + "\n", ""},
		{"another world's server", other.Info().URL, "", "refuses the credentials of account alice", ""},
		{"another world on this machine", "nats://127.0.0.1:1", other.Config().Dir, "refuses the credentials",
			"init alice"},
	} {
		c["url"], c["world"] = row.url, row.world
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		r := m.natster("whoami").exits(1).warns(row.say)
		if _, try, _ := strings.Cut(r.err, "try: natster "); strings.TrimSpace(try) != row.try {
			t.Errorf("%s: %s", row.what, r.err)
		}
	}
}

func TestContactsAreNamesForKeys(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	m.run("catalog", "new", "films", films(t)).ok()
	carol := m.Account("carol").Key.String()
	m.natster("contacts add carol " + carol).ok()
	m.natster("contacts add carol " + carol).ok()
	m.natster("contacts add carol "+m.Account("dave").Key.String()).exits(1).warns("another account",
		"try: natster contacts rm carol")
	m.natster("contacts ls").ok().says("carol", carol, "your own context")
	m.natster("catalog share films carol").exits(1).warns("ask its owner to run natster init")
	m.Initialize(m.Account("carol"))
	m.natster("catalog share films carol").ok().says("with carol")
	m.natster("catalog shares").ok().says("carol")
	m.natster("contacts rm carol").ok()
	m.natster("catalog shares").ok().says(carol[:8])
}

func TestWhatNatsterWritesIsPrivate(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	m.natster("contacts add bob " + m.Account("bob").Key.String()).ok()
	m.run("catalog", "new", "films", films(t)).ok()
	m.natster("admin nats").ok()
	found := 0
	err := filepath.WalkDir(m.home, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == m.home {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		base := filepath.Base(path)
		if d.IsDir() {
			if strings.Contains(path, "natster") && info.Mode().Perm() != 0o700 {
				t.Errorf("%s has mode %s", path, info.Mode())
			}
			return nil
		}
		found++
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), "SEED") != strings.HasSuffix(base, ".creds") {
			t.Errorf("%s has a secret, or lacks one", path)
		}
		return err
	})
	if err != nil || found < 5 {
		t.Errorf("%d files, %v", found, err)
	}
}

// What the operator takes to other machines is as private as the world that it comes from, whatever the directory.
func TestWhatIsWrittenForOtherMachinesIsPrivate(t *testing.T) {
	m := newMachine(t)
	to := t.TempDir()
	if err := os.Chmod(to, 0o777); err != nil {
		t.Fatal(err)
	}
	m.run("admin", "creds", to).ok()
	m.run("admin", "cluster", "--out", to, "127.0.0.1:7601:7701").ok()
	found := 0
	for _, dir := range []string{to, m.Config().Dir} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || path == dir {
				return err
			}
			found++
			info, err := d.Info()
			if err == nil && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has mode %s", path, info.Mode())
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	if found < 30 {
		t.Errorf("only %d files", found)
	}
}

func TestASecretIsNeverPrinted(t *testing.T) {
	m := newMachine(t)
	for _, line := range []string{"init alice --json", "init alice", "whoami --json", "context ls --json",
		"login --json", "events --no-follow --json", "--verbose stats"} {
		r := m.natster(line).ok()
		for _, s := range []string{"SEED", "BEGIN NATS", "eyJ"} {
			if strings.Contains(r.out+r.err, s) {
				t.Errorf("$ %s\nprints %q:\n%s%s", r.line, s, r.out, r.err)
			}
		}
	}
}

func TestADamagedContextFileIsNamed(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	file := filepath.Join(m.home, ".config/natster/contexts/alice.json")
	for _, text := range []string{"", "{", `{"name":"alice"}`, `[1]`, strings.Repeat("x", 1<<17)} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		m.natster("whoami").exits(1).warns(file, "not a context file")
		m.natster("context ls").exits(1).warns(file)
	}
	m.natster("init alice").ok()
	m.natster("whoami").ok()
}

func TestLogin(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	m.natster("login").ok().says("code ", "5 minutes", "once")
	m.natster("login --qrcode").ok().says("█")
}

func TestEventsAndRebuild(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	m.natster("init bob").ok()
	following := m.start("events --from 1", "bob joined")
	m.natster("context use alice").ok()
	m.run("catalog", "new", "films", films(t)).ok()
	m.natster("catalog share films bob").ok()
	following.waitFor("alice shares films with bob")
	if code := following.interrupt(); code != 130 {
		t.Errorf("events ended with %d", code)
	}
	m.natster("admin rebuild shares accounts shares").ok().says("rebuilt shares and accounts")
	m.natster("admin rebuild --all").ok().says("rebuilt accounts, catalogs")
	m.natster("catalog shares").ok().says("films")
}

func TestOpenAnswersOnThisMachineUntilInterrupted(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	m.run("catalog", "new", "films", films(t)).ok()
	m.start("catalog serve", "Ctrl-C ends it")
	opened := m.start("catalog open films 2025/birthday.txt", "http://127.0.0.1:")
	if got := fetch(t, strings.TrimSpace(opened.out.String()), "bytes=1-2"); got != "ak" {
		t.Errorf("bytes 1 and 2 of cake are %q", got)
	}
	if code := opened.interrupt(); code != 130 {
		t.Errorf("open ended with %d", code)
	}
}

func TestDevrunIsAWorldThatComesBack(t *testing.T) {
	dir, home := filepath.Join(t.TempDir(), "world"), t.TempDir()
	m := &machine{t: t, home: home}
	env := func(name string) string { return map[string]string{"HOME": home, "NATSTER_WORLD": dir}[name] }
	for range 2 {
		w := m.startWith(env, "devrun --listen 127.0.0.1:0 --websocket 127.0.0.1:0", "natster init NAME")
		runWith(t, env, "init", "alice").ok()
		runWith(t, env, "whoami").ok().says("alice")
		runWith(t, env, "devrun").exits(1).warns("running already")
		if code := w.interrupt(); code != 130 {
			t.Errorf("devrun ended with %d: %s", code, w.err)
		}
	}
	runWith(t, env, "devrun", "--listen", "0.0.0.0:0").exits(1).warns("needs TLS",
		"try: natster devrun --tls-self-signed")
	runWith(t, env, "devrun", "--tls-cert", "x.pem").exits(1).warns("--tls-cert FILE --tls-key FILE")
	tls := m.startWith(env, "devrun --listen 0.0.0.0:0 --websocket 127.0.0.1:0 --tls-self-signed", "certificate")
	runWith(t, env, "whoami").ok().says("alice", "tls://")
	if code := tls.interrupt(); code != 130 {
		t.Errorf("devrun ended with %d: %s", code, tls.err)
	}
}

func TestNamesAreCompleted(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	m.natster("init bob").ok()
	m.natster("context use alice").ok()
	m.run("catalog", "new", "films", films(t)).ok()
	m.natster("catalog share films bob").ok()
	m.natster("--context bob catalog import films").ok()
	for line, want := range map[string]string{
		"catalog share ":                           "films",
		"catalog share films ":                     "bob",
		"get films ":                               "a name with space.md",
		"catalog download films ":                  "2024/",
		"catalog download films readme.txt 2024/":  "2024/goat.mp4",
		"catalog download films readme.txt 2024/s": "2024/snow/",
		"--context bob catalog contents ":          "films",
		"--context bob catalog unimport ":          "films",
		"context use ":                             "alice",
		"--context ":                               "bob",
		"--context=b":                              "--context=bob",
		"catalog import films ":                    "hub",
		"--context bob catalog share films --":     "--json",
	} {
		r := m.complete(line)
		if !strings.Contains("\n"+r.out, "\n"+want+"\n") {
			t.Errorf("%s is not completed by %q, but by:\n%s", line, want, r.out)
		}
	}
}

// complete asks for what the last word of a command line, which may be empty, can become.
func (m *machine) complete(line string) result {
	m.t.Helper()
	return m.run(append(strings.Split(line, " "), "--generate-bash-completion")...).ok()
}

func TestWhatIsInAFriendsCatalogIsCompletedToo(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	m.natster("init bob").ok()
	m.natster("context use alice").ok()
	m.run("catalog", "new", "films", films(t)).ok()
	m.natster("catalog share films bob").ok()
	m.natster("--context bob catalog import films").ok()
	if r := m.complete("--context bob get films 2024/"); r.out+r.err != "" {
		t.Errorf("nobody serves the catalog, and completion says:\n%s%s", r.out, r.err)
	}
	serving := m.start("serve films", "Ctrl-C ends it")
	for range 2 {
		if r := m.complete("--context bob get films 2024/"); r.out != "2024/goat.mp4\n2024/snow/\n" {
			t.Errorf("what is in films/2024 is completed by:\n%s", r.out)
		}
		serving.interrupt() // for half a minute, the owner is not asked again
	}
}

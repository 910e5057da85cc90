package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rivo/uniseg"
	"github.com/urfave/cli/v2"

	"natster/deploy/world"
	"natster/functions/api"
	"natster/workloads/catalog/client"
)

func testEnv(getenv map[string]string) (*env, *bytes.Buffer, *bytes.Buffer) {
	var out, err bytes.Buffer
	return newEnv(Outside{Stdout: &out, Stderr: &err, Getenv: func(n string) string { return getenv[n] }}), &out, &err
}

func TestFlagsMayStandAnywhere(t *testing.T) {
	e, _, _ := testEnv(nil)
	app := newApp(e)
	for line, want := range map[string]string{
		"catalog ls --json":                               "--json catalog ls --",
		"--context bob catalog contents films -l":         "--context=bob catalog contents -l -- films",
		"catalog download films a -o out b --context=bob": "--context=bob catalog download -o=out -- films a b",
		"catalog download films --out=x -- --odd -o":      "catalog download --out=x -- films --odd -o",
		"catalog --json download films - --parallel 2":    "--json catalog download --parallel=2 -- films -",
		"--version": "version --",
		"catalog describe films version --context alice x": "--context=alice catalog describe -- films version x",
	} {
		l, err := e.arrange(app, append([]string{"natster"}, strings.Fields(line)...))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if got := strings.Join(l.args[1:], " "); got != want || l.help {
			t.Errorf("%s\nis   %s\nwant %s", line, got, want)
		}
	}
	for _, line := range []string{"", "help", "catalog", "catalog help", "help catalog share", "catalog share --help", "catalog share -h a b"} {
		if l, err := e.arrange(app, append([]string{"natster"}, strings.Fields(line)...)); err != nil || !l.help {
			t.Errorf("%q: help is %v, %v", line, l.help, err)
		}
	}
}

func TestAPathMayBeginWithATildeWhereverItStands(t *testing.T) {
	e, _, _ := testEnv(map[string]string{"HOME": "/home/me"})
	app := newApp(e)
	flags := 0
	each(app.Commands, app.Name, func(c *cli.Command, name string) {
		for _, f := range c.Flags {
			if !isPath(flagPlaceholder(f)) {
				continue
			}
			flags++
			for _, n := range f.Names() {
				flag := dashed(n)
				for _, words := range [][]string{{flag + "=~/Videos"}, {flag, "~/Videos"}} {
					l, err := e.arrange(app, append(strings.Fields(name), words...))
					if err != nil || !slices.Contains(l.args, flag+"=/home/me/Videos") {
						t.Errorf("%s %q: %v, %v", name, words, l.args, err)
					}
				}
				l, err := e.arrange(app, append(strings.Fields(name), flag+"=~bob/Videos"))
				if m, ok := err.(*misuse); !ok || !strings.Contains(m.message, `"~bob"`) {
					t.Errorf("%s %s=~bob/Videos: %v, %v", name, flag, l.args, err)
				}
			}
		}
	})
	if flags < 15 {
		t.Errorf("only %d flags are paths", flags)
	}
	for line, want := range map[string]string{
		"catalog new films ~/Films":           "films /home/me/Films",
		"catalog new ~ ~":                     "~ /home/me",
		"demo ~/Music":                        "/home/me/Music",
		"admin creds ~/c":                     "/home/me/c",
		"catalog download films ~/odd":        "films ~/odd", // a path in the catalog
		"catalog describe films ~/a.txt ~/no": "films ~/a.txt ~/no",
	} {
		l, err := e.arrange(app, append([]string{"natster"}, strings.Fields(line)...))
		if got := strings.Join(l.words, " "); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", line, got, err, want)
		}
	}
	if dir, err := e.worldDir(""); err != nil || !strings.HasPrefix(dir, "/home/me/") {
		t.Errorf("the usual world is in %s, %v", dir, err)
	}
	e, _, _ = testEnv(map[string]string{"HOME": "/home/me", "NATSTER_WORLD": "~/w"})
	if dir, err := e.worldDir(""); err != nil || dir != "/home/me/w" {
		t.Errorf("NATSTER_WORLD=~/w is %s, %v", dir, err)
	}
}

func TestEveryCommandIsExplained(t *testing.T) {
	e, out, _ := testEnv(nil)
	app := newApp(e)
	each(app.Commands, app.Name, func(c *cli.Command, name string) {
		out.Reset()
		if code := Main(t.Context(), Outside{append(strings.Fields(name), "--help"), nil, out, out, e.Getenv}); code != exitDone {
			t.Fatalf("%s --help: exit %d", name, code)
		}
		help := out.String()
		if !strings.Contains(help, name+" - "+c.Usage) || c.Usage == "" || strings.HasSuffix(c.Usage, ".") {
			t.Errorf("%s has no good line of usage:\n%s", name, help)
		}
		if !strings.Contains(c.Description, "natster ") && c.Subcommands == nil {
			t.Errorf("%s has no example", name)
		}
		for l := range strings.Lines(help) {
			if len([]rune(l)) > 101 {
				t.Errorf("%s: a line is %d wide: %s", name, len(l), l)
			}
		}
	})
}

func TestCompletion(t *testing.T) {
	home := t.TempDir()
	e, out, _ := testEnv(map[string]string{"HOME": home})
	complete := func(line string) []string {
		out.Reset()
		Main(t.Context(), Outside{append(strings.Split(line, " "), completionWord), nil, out, out, e.Getenv})
		return strings.Fields(out.String())
	}
	for line, want := range map[string]string{
		"natster ":                            "catalog",
		"natster ge":                          "get",
		"natster help js":                     "json",
		"natster help catalog do":             "download",
		"natster catalog ":                    "download",
		"natster catalog download --ov":       "--overwrite",
		"natster get films -":                 "--all",
		"natster context use --j":             "--json",
		"natster completion ":                 "fish",
		"natster admin rebuild ":              "shares",
		"natster admin rebuild shares ":       "logins",
		"natster --context x admin rebuild l": "logins",
	} {
		if got := complete(line); !slices.Contains(got, want) {
			t.Errorf("%s: %v has no %s", line, got, want)
		}
	}
	for _, line := range []string{
		"natster nosuch ", "natster whoami ", "natster catalog new ", "natster context use ", "natster catalog share ",
		"natster get films --out ", "natster get films -- -",
	} {
		if got := complete(line); len(got) > 0 {
			t.Errorf("%s: %v", line, got)
		}
	}
	for _, line := range []string{"natster ", "natster --json "} { // what is explained is no command
		if got := complete(line); slices.Contains(got, "json") || slices.Contains(got, "environment") {
			t.Errorf("%s: %v", line, got)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		out.Reset()
		if code := Main(t.Context(), Outside{[]string{"natster", "completion", shell}, nil, out, out, e.Getenv}); code != exitDone || !strings.Contains(out.String(), completionWord) {
			t.Errorf("completion %s: exit %d:\n%s", shell, code, out)
		}
	}
}

func TestClosest(t *testing.T) {
	names := []string{"films", "music", "photos2024", "bob", "Alice"}
	for word, want := range map[string]string{
		"flims": "films", "film": "films", "fims": "films", "msuic": "music", "photos": "photos2024", "bbo": "bob",
		"alice": "Alice", "x": "", "carol": "", "filsmx": "films", "": "",
	} {
		if got := closest(word, names); got != want {
			t.Errorf("closest to %q is %q, want %q", word, got, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"grün", "grun", 1}} {
		if got := distance(c.a, c.b); got != c.want || distance(c.b, c.a) != c.want {
			t.Errorf("distance of %q and %q is %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestTablesLineUp(t *testing.T) {
	e, out, _ := testEnv(nil)
	tb := table{head: []string{"EMPTY", "PATH", "SIZE", "NOTE"}, end: []int{2}}
	tb.row("", "a", size(1), "")
	tb.row("", "日本.mp4", size(1_234_567), "x")
	e.printTable(tb, "nothing")
	want := "PATH        SIZE  NOTE\na            1 B\n日本.mp4  1.2 MB  x\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
	out.Reset()
	if e.printTable(table{}, "nothing here"); out.String() != "nothing here\n" {
		t.Errorf("an empty table is %q", out)
	}
}

// A testBar is a bar on a terminal whose clock and width are set.
type testBar struct {
	*bar
	out  bytes.Buffer
	time time.Time
	cols int
}

func newTestBar(columns int) *testBar {
	b := &testBar{time: time.Unix(0, 0), cols: columns}
	b.bar = &bar{w: &b.out, style: style{terminal: true}, label: "films", number: size,
		now: func() time.Time { return b.time }, width: func() int { return b.cols }}
	return b
}

// after shows s when d has passed, and returns what is written.
func (b *testBar) after(d time.Duration, s state) string {
	b.time = b.time.Add(d)
	b.out.Reset()
	b.set(s)
	return b.out.String()
}

func TestTheBarSaysHowFarAndGoesAway(t *testing.T) {
	b := newTestBar(100)
	b.after(0, state{done: 500, all: 10_000, fresh: 500, doing: "a.mp4"})
	last := b.after(2*time.Second, state{done: 5_000, all: 10_000, fresh: 5_000, doing: "2024/a very long path/that does not fit/into the line.mp4"})
	for _, part := range []string{"films", "50%", "5.0 kB of 10 kB", "2.3 kB/s", "2s left", "line.mp4"} {
		if !strings.Contains(last, part) {
			t.Errorf("%q has no %q", last, part)
		}
	}
	if again := b.after(time.Millisecond, state{done: 5_001, all: 10_000, doing: "too soon"}); again != "" {
		t.Errorf("drawn again at once: %q", again)
	}
	b.out.Reset()
	if b.clear(); b.out.String() != "\r\x1b[K" {
		t.Errorf("not cleared: %q", b.out.String())
	}
	if late := b.after(time.Second, state{done: 6_000, all: 10_000}); late != "" {
		t.Errorf("drawn again after it was cleared: %q", late)
	}
	b = newTestBar(100)
	b.style.terminal = false
	if b.after(0, state{done: 1, all: 2}); b.out.Len() > 0 {
		t.Errorf("where no terminal is: %q", b.out.String())
	}
}

func TestTheBarFitsEveryWidth(t *testing.T) {
	for _, label := range []string{"films", "日本", "", strings.Repeat("long", 40)} {
		for columns := range 130 {
			b := newTestBar(columns)
			b.label = label
			s := state{done: 123_456_789, all: 9_876_543_210, fresh: 1, doing: "2024/日本 a very long path/that does not fit/into the line.mp4"}
			b.after(0, s)
			s.fresh = 100_000_000
			text, _ := strings.CutPrefix(b.after(2*time.Second, s), b.erase(columns))
			n := uniseg.StringWidth(text)
			if most := columns - 1; columns > 0 && n > max(0, most) || n != b.used || strings.ContainsAny(text, "\r\n\x1b") {
				t.Errorf("%d columns on a terminal of %d, taken for %d: %q", n, columns, b.used, text)
			}
			if columns > 5 && !strings.Contains(text, "1%") {
				t.Errorf("a terminal of %d columns does not show how far it is: %q", columns, text)
			}
		}
	}
}

func TestALineThatTheTerminalBrokeIsErasedAsAWhole(t *testing.T) {
	b := newTestBar(120)
	s := state{done: 50_000, all: 100_000, fresh: 50_000, doing: strings.Repeat("path/", 40)}
	b.after(0, s)
	if b.used != 119 {
		t.Fatalf("the line is %d columns long", b.used)
	}
	for _, narrow := range []struct {
		columns int
		erase   string
	}{{60, "\r\x1b[1A\x1b[J"}, {20, "\r\x1b[2A\x1b[J"}, {20, "\r\x1b[K"}, {120, "\r\x1b[K"}, {118, "\r\x1b[1A\x1b[J"}} {
		b.cols = narrow.columns
		if got := b.after(time.Second, s); !strings.HasPrefix(got, narrow.erase) {
			t.Errorf("on a terminal that has %d columns now: %q, want %q first", narrow.columns, got, narrow.erase)
		}
	}
}

func TestWhatWasThereBeforeIsNoSpeed(t *testing.T) {
	b := newTestBar(100)
	for at := int64(0); at < 900; at += 100 { // 800 MB are found again within a moment
		got := b.after(100*time.Millisecond, state{done: at << 20, all: 1000 << 20, phase: "checking what is there"})
		if strings.Contains(got, "/s") || !strings.Contains(got, "checking what is there") {
			t.Errorf("while checking: %q", got)
		}
	}
	var got string
	for i := range int64(30) { // and then 1 MB comes a second
		got = b.after(100*time.Millisecond, state{done: 800<<20 + i*100_000, all: 1000 << 20, fresh: i * 100_000})
	}
	if !strings.Contains(got, "  1.0 MB/s") {
		t.Errorf("after 3 s: %q", got)
	}
	for range 30 { // the owner is gone for a while, and what came before is no speed then
		got = b.after(100*time.Millisecond, state{done: 803 << 20, all: 1000 << 20, fresh: 29 * 100_000, phase: "waiting for the owner"})
	}
	if strings.Contains(got, "/s") || !strings.Contains(got, "waiting for the owner") {
		t.Errorf("while waiting: %q", got)
	}
	for i := int64(30); i < 110; i++ { // the way is better now: soon it shows
		got = b.after(100*time.Millisecond, state{done: 800<<20 + i*1_000_000, all: 1000 << 20, fresh: i * 1_000_000})
	}
	if !strings.Contains(got, "  10 MB/s") {
		t.Errorf("after 8 s more: %q", got)
	}
}

func TestErrorsAreOneHarmlessLine(t *testing.T) {
	for err, want := range map[error]string{
		errors.New("Nobody answers\n here"):                "nobody answers; here",
		errors.New("EOF"):                                  "EOF",
		errors.New("\x1b[2J\x1b]0;gotcha\x07 refused"):     "[2J ]0;gotcha refused",
		errors.Join(errors.New("one"), errors.New("b")):    "one; b",
		errors.New("world: export: the key is lost"):       "the key is lost",
		errors.New("worldly: x"):                           "worldly: x",
		fmt.Errorf("web: %w", client.ErrOffline):           "web: nobody serves the catalog now", // a catalog
		errors.Join(client.ErrNotShared, api.ErrForbidden): client.ErrNotShared.Error(),
	} {
		e, _, stderr := testEnv(nil)
		if code := e.fail(t.Context(), err); code != exitFailed {
			t.Errorf("%q: exit %d", err, code)
		}
		if got, _, _ := strings.Cut(stderr.String(), "\n"); got != "natster: "+want {
			t.Errorf("%q becomes %q", err, got)
		}
	}
	e, _, stderr := testEnv(nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code := e.fail(ctx, ctx.Err()); code != Interrupted || stderr.Len() > 0 {
		t.Errorf("interrupted: exit %d, %q", code, stderr)
	}
}

func TestDevrunIsOnlySuggestedWhereItHelps(t *testing.T) {
	here, away := Context{Name: "alice", AccountName: "alice", World: "/w"}, Context{Name: "alice", AccountName: "alice"}
	told := Context{AccountName: "alice", World: "/w", surroundings: &surroundings{says: "NATS_URL"}}
	for _, c := range []struct {
		context Context
		err     error
		say     string
		try     string
	}{
		{here, nats.ErrNoServers, "nobody answers at nats://h:1: the world is not running", "devrun"},
		{away, nats.ErrNoServers, "nobody answers at nats://h:1", ""},
		{told, nats.ErrNoServers, "nobody answers at nats://h:1 (NATS_URL says so)", ""},
		{away, &net.DNSError{Err: "no such host", Name: "h"}, `no address is known for "h"`, ""},
		{here, nats.ErrAuthorization, "refuses the credentials of account alice", "init alice"},
		{away, nats.ErrAuthExpired, "refuses the credentials", ""},
		{here, world.ErrNotPinned, "has another certificate", "init alice"},
		{away, &tls.CertificateVerificationError{Err: errors.New("unknown authority")}, "cannot be trusted", ""},
		{away, nats.ErrSecureConnRequired, "cannot be trusted", ""},
		{away, nats.ErrTimeout, "the server at nats://h:1 does not answer", ""},
	} {
		err := c.context.refused("nats://h:1", fmt.Errorf("world: connect: %w", c.err))
		if !strings.Contains(err.Error(), c.say) || hintFor(err) != c.try {
			t.Errorf("%v: %v; try: %s", c.err, err, hintFor(err))
		}
	}
	for _, err := range []error{api.ErrUnavailable, api.ErrFull, client.ErrDiskFull, nats.ErrAuthorization} {
		if h := hintFor(err); h != "" {
			t.Errorf("%v: try: %s", err, h)
		}
	}
}

func TestShellWords(t *testing.T) {
	for word, want := range map[string]string{"a/b.c-d": "a/b.c-d", "a b": "'a b'", "it's": `'it'\''s'`, "": "''", "$(x)": "'$(x)'", "~": "'~'"} {
		if got := shellWord(word); got != want {
			t.Errorf("%q becomes %s, want %s", word, got, want)
		}
	}
}

func TestANeedleFindsWhatIsThereAndNothingElse(t *testing.T) {
	n := emptyNeedle()
	text := []byte("it was a bright cold day in april, and nobody had counted the clocks")
	for i := range len(text) - pieceSize + 1 {
		n.know(text[i : i+pieceSize])
	}
	hidden := append(append(bytes.Repeat([]byte{7}, 1000), text[10:50]...), bytes.Repeat([]byte{0}, 1000)...)
	if got := n.count(hidden); got != 40-pieceSize+1 {
		t.Errorf("found %d pieces of 40 bytes, want %d", got, 40-pieceSize+1)
	}
	if got := n.count(bytes.Repeat([]byte("bright cold day in april, and "), 50)); got != 0 {
		t.Errorf("found %d pieces that are not there", got)
	}
	if got := n.count(text[:31]); got != 0 {
		t.Errorf("found %d pieces in less than one", got)
	}
}

func FuzzParseContext(f *testing.F) {
	good := `{"name":"alice","account":"ABJFWX4WUPLG4PY72Z4I6LOBWVJPTSAZ6GLG6ZJN3NBQOMJLHGGRWUTT","account_name":"alice",` +
		`"url":"nats://127.0.0.1:7422","world":"/w","creds":"alice.creds"}`
	for _, s := range []string{good, "", "{}", "null", "[]", strings.Replace(good, "alice", "../x", 1), strings.Replace(good, "nats:", "file:", 1)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseContext(text)
		if err != nil {
			if !errors.Is(err, ErrContextFile) {
				t.Errorf("%v is no ErrContextFile", err)
			}
			if c != (Context{}) {
				t.Errorf("an error and %+v", c)
			}
			return
		}
		if c.Account.IsZero() || strings.ContainsAny(c.Name, "/\\\x00") || c.wrong() != "" {
			t.Errorf("accepted %+v", c)
		}
	})
}

func TestAContextFileIsReadOrRefusedWithAReason(t *testing.T) {
	const key = "ABJFWX4WUPLG4PY72Z4I6LOBWVJPTSAZ6GLG6ZJN3NBQOMJLHGGRWUTT"
	file := func(name, account, url, creds, world string) string {
		return `{"name":"` + name + `","account":"` + account + `","url":"` + url + `","creds":"` + creds + `","world":"` + world + `"}`
	}
	for text, want := range map[string]string{
		file("alice", key, "nats://h:1", "a.creds", ""):         "",
		file("alice", key, "tls://h:1", "/x/a.creds", "/w"):     "",
		file("world", key, "nats://h:1", "a.creds", ""):         "its name",
		file("../a", key, "nats://h:1", "a.creds", ""):          "its name",
		file("alice", "", "nats://h:1", "a.creds", ""):          "no account",
		file("alice", key[:50], "nats://h:1", "a.creds", ""):    "not an account key",
		file("alice", key, "http://h:1", "a.creds", ""):         "its url",
		file("alice", key, "nats://u:p@h:1", "a.creds", ""):     "has a user in it",
		file("alice", key, "nats://h:1", "", ""):                "creds file",
		file("alice", key, "nats://h:1", "a.creds", "relative"): "absolute",
		`{"name":7}`:  "cannot unmarshal",
		`{} trailing`: "invalid character",
	} {
		_, err := ParseContext([]byte(text))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !errors.Is(err, ErrContextFile) || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestATicketIsGoodOnce(t *testing.T) {
	h := once("/ticket", "/secret/films/a.mp4", http.NotFoundHandler())
	ask := func(path string) *httptest.ResponseRecorder {
		r := httptest.NewRecorder()
		h.ServeHTTP(r, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return r
	}
	for _, row := range []struct {
		path, to string
		code     int
	}{{"/other", "", 404}, {"/ticket", "/secret/films/a.mp4", 302}, {"/ticket", "", 404}} {
		if r := ask(row.path); r.Code != row.code || r.Header().Get("Location") != row.to {
			t.Errorf("%s: %d %q", row.path, r.Code, r.Header())
		}
	}
}

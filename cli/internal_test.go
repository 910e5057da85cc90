package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"natster/deploy/nex"
	"natster/functions/api"
	"natster/workloads/catalog/client"
	"natster/workloads/nexlet/spec"
	"natster/workloads/web"
)

func testEnv(getenv map[string]string) (*env, *bytes.Buffer, *bytes.Buffer) {
	var out, err bytes.Buffer
	return newEnv(Outside{Stdout: &out, Stderr: &err, Getenv: func(n string) string { return getenv[n] }},
		func() {}), &out, &err
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
	for _, line := range []string{"", "help", "catalog", "catalog help", "help catalog share", "catalog share --help",
		"catalog share -h a b"} {
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
			value, _ := described(f)
			if takes := f.(cli.DocGenerationFlag).TakesValue(); takes != (value != "") {
				t.Errorf("%s: the value of %s is called %q", name, f.Names()[0], value)
			}
			if !isPath(value) {
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
	if dir, err := e.dirs.World(""); err != nil || !strings.HasPrefix(dir, "/home/me/") {
		t.Errorf("the usual world is in %s, %v", dir, err)
	}
	e, _, _ = testEnv(map[string]string{"HOME": "/home/me", "NATSTER_WORLD": "~/w"})
	if dir, err := e.dirs.World(""); err != nil || dir != "/home/me/w" {
		t.Errorf("NATSTER_WORLD=~/w is %s, %v", dir, err)
	}
}

func TestEveryCommandIsExplained(t *testing.T) {
	e, out, _ := testEnv(nil)
	app := newApp(e)
	each(app.Commands, app.Name, func(c *cli.Command, name string) {
		out.Reset()
		if code := Main(t.Context(), Outside{append(strings.Fields(name), "--help"), nil, out, out,
			e.Getenv}); code != exitDone {
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
		Main(t.Context(), Outside{append(strings.Split(line, " "), "--generate-bash-completion"), nil, out, out,
			e.Getenv})
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
		"natster admin limits co":             "codes=",
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
		if code := Main(t.Context(), Outside{[]string{"natster", "completion", shell}, nil, out, out,
			e.Getenv}); code != exitDone || !strings.Contains(out.String(), "--generate-bash-completion") {
			t.Errorf("completion %s: exit %d:\n%s", shell, code, out)
		}
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

func TestDevrunIsNotSuggestedWhereItDoesNotHelp(t *testing.T) {
	for _, err := range []error{api.ErrUnavailable, api.ErrFull, client.ErrDiskFull, nats.ErrAuthorization} {
		if h := hintFor(err); h != "" {
			t.Errorf("%v: try: %s", err, h)
		}
	}
	for err, want := range map[error]string{
		client.ErrNotShared: "catalog shares", nex.ErrNoBid: "deploy nodes", nex.ErrNotReady: "deploy logs",
		web.ErrPlain: "web --listen 127.0.0.1:8000 --url https://HOST",
	} {
		if h := hintFor(fmt.Errorf("it fails: %w", err)); h != want {
			t.Errorf("%v: try: %s, want %s", err, h, want)
		}
	}
}

func TestATicketIsGoodOnce(t *testing.T) {
	mine := false
	h := once("/ticket", "/secret/films/a.mp4", http.NotFoundHandler(), func(string) bool { return mine })
	ask := func(path string) *httptest.ResponseRecorder {
		r := httptest.NewRecorder()
		h.ServeHTTP(r, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return r
	}
	if r := ask("/ticket"); r.Code != 404 {
		t.Errorf("another user who was faster: %d %q", r.Code, r.Header())
	}
	mine = true
	for _, row := range []struct {
		path, to string
		code     int
	}{{"/other", "", 404}, {"/ticket", "/secret/films/a.mp4", 302}, {"/ticket", "", 404}} {
		if r := ask(row.path); r.Code != row.code || r.Header().Get("Location") != row.to {
			t.Errorf("%s: %d %q", row.path, r.Code, r.Header())
		}
	}
}

func TestANexletThatCannotListItsFunctionsSaysWhy(t *testing.T) {
	dir := t.TempDir()
	e, _, log := testEnv(map[string]string{"HOME": t.TempDir(), "NATSTER_CREDS_DIR": dir,
		"NATSTER_STATE_DIR": t.TempDir()})
	config, err := e.nexletConfig(log)
	if err != nil {
		t.Fatal(err)
	}
	if all, err := config.Functions(); err != nil || len(all) == 0 {
		t.Errorf("without credentials there are %d functions: %v", len(all), err)
	}
	if err := os.WriteFile(filepath.Join(dir, "service.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if all, err := config.Functions(); err == nil || !strings.Contains(err.Error(), "service.json is damaged") {
		t.Errorf("%d functions from damaged credentials: %v", len(all), err)
	}
}

func TestOnlyAuthorityIsSaidToNeedTheWorldsMachine(t *testing.T) {
	e, _, stderr := testEnv(nil)
	want := func(name string) nex.Want { return nex.Want{Name: name, Start: spec.Start{Function: name}} }
	wants := e.among([]nex.Want{want("otc"), want("feed"), want("authority")}, []string{"feed"})
	if len(wants) != 1 || wants[0].Name != "feed" {
		t.Errorf("%+v", wants)
	}
	if want := "otc is left out: no nexlet can run it\n" +
		"authority is left out: no nexlet can run it, it needs the world's own machine\n"; stderr.String() != want {
		t.Errorf("it says %q, want %q", stderr, want)
	}
}

func TestTheActivityIsReadableWithoutKeys(t *testing.T) {
	var out strings.Builder
	at := time.Date(2026, 1, 2, 3, 4, 5, 678, time.Local)
	a := &activity{out: &out, err: &out, mu: new(sync.Mutex), time: time.TimeOnly}
	for want, attrs := range map[string][]any{
		"trouble  files are away  /d: it is not mounted\n":  {"what", "/d: it is not mounted"},
		"trouble  files are away  no answer  last 03:04:05": {"err", errors.New("no answer"), "last", at},
		"trouble  files are away  /d  every 5s\n":           {"directory", "/d", "every", 5 * time.Second},
	} {
		out.Reset()
		slog.New(a).Warn("files are away", attrs...)
		if _, got, _ := strings.Cut(out.String(), "  "); !strings.HasPrefix(got, want) {
			t.Errorf("%v becomes %q", attrs, got)
		}
	}
}

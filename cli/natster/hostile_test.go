package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
	"natster/deploy/world"
	"natster/events"
	"natster/functions/api"
	"natster/internal/brief"
	"natster/internal/test/wait"
)

// Texts that would be taken for natster's own, or act on the terminal.
var hostileTexts = []string{
	"gone\nnatster: FORGED: all is well", "gone\r\nnatster: FORGED: all is well\r", "\rnatster: FORGED",
	"\x1b[2J\x1b[1;1Hnatster: FORGED", "\x1b]0;FORGED\a\x1b[31mred", "\u009b31mC1", "\u202egniht on si siht",
	"\u2066hidden\u2069 \u2028natster: FORGED", "\x00\x7f\b\b\b\b", "%s%d%n%!", "\xff\xfe not UTF-8",
	strings.Repeat("very long ", 20_000), "gone" + strings.Repeat(" ", 120) + "natster: FORGED",
}

// looksTrue checks what natster printed: nothing in it acts on the terminal, no line begins as a text wanted to, and it
// is no longer than a person reads.
func looksTrue(t *testing.T, s *stage, most int, args ...string) {
	t.Helper()
	cmd := s.command(args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if _, exited := errors.AsType[*exec.ExitError](cmd.Run()); !exited && cmd.ProcessState == nil {
		t.Fatalf("%v did not run", args)
	}
	text := out.String()
	for _, r := range text {
		if r != '\n' && brief.Deceives(r) {
			t.Errorf("natster %v prints %U:\n%.2000q", args, r, text)
			break
		}
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "natster: FORGED") || strings.HasPrefix(line, "FORGED") {
			t.Errorf("natster %v prints a line of a stranger's:\n%.2000s", args, text)
		}
		if strings.Contains(line, "natster: FORGED") && !strings.Contains(line, `"`) {
			t.Errorf("natster %v prints a stranger's text as its own:\n%.2000s", args, text)
		}
		if len(line) > most {
			t.Errorf("natster %v prints a line of %d bytes", args, len(line))
		}
	}
	if text == "" {
		t.Errorf("natster %v prints nothing", args)
	}
}

// TestWhatOthersSayDoesNotPassForNatsters has a friend whose server says the worst in every place there is, and a log
// with events that nobody should have written.
func TestWhatOthersSayDoesNotPassForNatsters(t *testing.T) {
	t.Parallel()
	s := newStage(t, 1000)
	dir := filepath.Join(s.home, "world")
	info, err := world.Find(dir)
	must(t, err)
	creds, err := os.ReadFile(filepath.Join(s.home, ".config", "natster", "contexts", "alice.creds"))
	must(t, err)
	alice, err := info.Connect(t.Context(), creds)
	must(t, err)
	t.Cleanup(alice.Close)
	media, err := events.ParseCatalog("media")
	must(t, err)
	var answers sync.Map // by verb
	answer := func(verb string, reply []byte) { answers.Store(verb, reply) }
	for _, verb := range []string{events.VerbGet, events.VerbDownload} {
		_, err := alice.Subscribe(events.CatalogService(media, verb), func(m *nats.Msg) {
			if reply, ok := answers.Load(verb); ok {
				_ = m.Respond(reply.([]byte))
			}
		})
		must(t, err)
	}
	must(t, alice.Flush())
	envelope := func(v map[string]any) []byte {
		b, err := json.Marshal(v)
		must(t, err)
		return b
	}
	listing := func(description, path, about, mime string) []byte {
		entry := map[string]any{"path": path, "description": about, "mime_type": mime, "byte_size": 3,
			"hash": strings.Repeat("ab", 32)}
		good := map[string]any{"path": "good.txt", "description": about, "mime_type": "text/plain", "byte_size": 3,
			"hash": strings.Repeat("ab", 32)}
		return envelope(map[string]any{"code": 200, "data": map[string]any{
			"name": "media", "description": description, "entries": []any{entry, good}}})
	}
	const lines, json = 700, 1 << 20
	for i, text := range hostileTexts {
		codes := []int{403, 500}
		if i == 0 {
			codes = []int{400, 403, 404, 410, 424, 429, 500, 503, 507, 999}
		}
		for _, code := range codes {
			answer(events.VerbGet, envelope(map[string]any{"code": code, "error": text}))
			looksTrue(t, s, lines, "--context", "bob", "catalog", "contents", "media")
			if code != 403 && code != 500 {
				continue // one of each kind is enough for the other
			}
			looksTrue(t, s, json, "--context", "bob", "catalog", "contents", "media", "--json")
			answer(events.VerbGet, listing("", "also.txt", "", "text/plain"))
			answer(events.VerbDownload, envelope(map[string]any{"code": code, "error": text}))
			looksTrue(t, s, lines, "--context", "bob", "get", "media", "good.txt", "--out", t.TempDir())
		}
		answer(events.VerbGet, listing(text, text, text, text))
		looksTrue(t, s, lines, "--context", "bob", "catalog", "contents", "media")
		looksTrue(t, s, 5000, "--context", "bob", "catalog", "contents", "media", "--long")
		looksTrue(t, s, json, "--context", "bob", "catalog", "contents", "media", "--json")
		answer(events.VerbGet, []byte(text))
		looksTrue(t, s, lines, "--context", "bob", "catalog", "contents", "media")
	}

	nc, _, err := world.Admin(t.Context(), dir)
	must(t, err)
	t.Cleanup(nc.Close)
	for _, text := range hostileTexts {
		data := []byte(text)[:min(len(text), 10_000)]
		_, err := nc.RequestMsg(&nats.Msg{Subject: "natster.events.A.B.C.invented", Data: data,
			Header: nats.Header{api.HeaderNotice: {"x"}}}, 1e10)
		must(t, err)
	}
	looksTrue(t, s, lines, "events", "--no-follow", "--from", "1")
	looksTrue(t, s, json, "events", "--no-follow", "--from", "1", "--json")
}

// TestTroubleWithNATSIsSaidByNatster takes rights away from an account that serves: of what the server then forbids,
// nats.go would print a line of its own.
func TestTroubleWithNATSIsSaidByNatster(t *testing.T) {
	t.Parallel()
	s := newStage(t, 1000)
	dir := filepath.Join(s.home, "world")
	keeper, err := world.OpenKeeper(dir)
	must(t, err)
	file := filepath.Join(s.home, ".config", "natster", "contexts", "alice.creds")
	all, _, err := keeper.Accounts()
	must(t, err)
	for _, a := range all {
		if a.Name != "alice" {
			continue
		}
		creds, err := keeper.User(t.Context(), a.Account, "limited", accounts.Permissions{
			Publish: []string{">"}, Subscribe: []string{"_INBOX.>", "natster.>", "*.natster.>", "*.*.natster.>"},
		})
		must(t, err, os.WriteFile(file, creds, 0o600))
	}
	for _, args := range [][]string{{"serve", "media"}, {"serve", "media", "--json"}} {
		p := s.start(append([]string{"--context", "alice"}, args...)...)
		if len(args) == 3 {
			p.waitFor("permissions violation")
		} else {
			wait.Eventually(t, "the trouble is said", func() bool {
				return strings.Contains(p.stderr.String(), "permissions violation")
			})
		}
		p.drain()
		p.send(os.Interrupt)
		p.ends(130)
		for line := range strings.Lines(p.stderr.String()) {
			if strings.HasPrefix(line, "nats:") {
				t.Errorf("nats.go prints: %s", line)
			}
		}
	}
}

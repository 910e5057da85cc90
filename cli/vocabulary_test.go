package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The same thing has the same name in the JSON of every command; natster help json explains them.
func TestJSONHasOneVocabulary(t *testing.T) {
	m := newMachine(t)
	var out strings.Builder
	run := func(args ...string) {
		t.Helper()
		out.WriteString(m.run(append(args, "--json")...).ok().out)
	}
	dir := films(t)
	then := time.Date(2024, 2, 29, 12, 30, 0, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(dir, "readme.txt"), then, then); err != nil {
		t.Fatal(err)
	}
	run("init", "alice")
	run("init", "bob")
	run("context", "use", "alice")
	run("catalog", "new", "films", dir)
	run("share", "films", "bob")
	serving := m.start("serve films --json", "serving")
	run("--context", "bob", "catalog", "inbox")
	run("--context", "bob", "catalog", "import", "films", "alice")
	run("--context", "bob", "get", "films", "readme.txt", "--out", t.TempDir())
	serving.waitFor("reads")
	opened := m.start("--context bob open films readme.txt --json", "url")
	for _, line := range []string{
		"whoami", "ls", "catalog shares", "catalog contents films", "catalog rescan films", "contacts ls", "context ls",
		"login", "stats",
		"events --no-follow --from 1", "admin nats", "unshare films bob",
	} {
		run(strings.Fields(line)...)
	}
	run("catalog", "describe", "films", "readme.txt", "what it says")
	out.WriteString(serving.out.String() + opened.out.String())

	old := []string{"account_key", "account_name", "byte_size", "from_account", "to_account", "catalog_online", "mtime",
		"oauth_id", "caller", "size", "dir"}
	times := []string{"time", "since", "modified", "expires"}
	seen := make(map[string]bool)
	var check func(v any)
	check = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				check(e)
			}
		case map[string]any:
			for k, e := range v {
				if seen[k] = true; k == "data" { // of an event, as it is in the log
					continue
				}
				if slices.Contains(old, k) {
					t.Errorf("a thing is called %q in %v", k, v)
				}
				if text, _ := e.(string); slices.Contains(times, k) {
					if at, err := time.Parse(time.RFC3339, text); err != nil || !strings.HasSuffix(text, "Z") {
						t.Errorf("%s is %v (%v), not a time in UTC", k, e, at)
					}
				}
				check(e)
			}
		}
	}
	for d := json.NewDecoder(strings.NewReader(out.String())); d.More(); {
		var v any
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%v in:\n%s", err, out.String())
		}
		check(v)
	}
	for _, k := range []string{"account", "name", "catalog", "path", "bytes", "mime_type", "hash", "modified", "code",
		"online", "from", "to", "since", "expires"} {
		if !seen[k] {
			t.Errorf("nothing is called %s", k)
		}
	}
	if !strings.Contains(out.String(), `"modified": "2024-02-29T12:30:00Z"`) {
		t.Error("readme.txt was not modified on the day on which it was")
	}
	if help := m.natster("help json").ok(); !strings.Contains(help.out, "mime_type") || !strings.Contains(help.out,
		`"try"`) {
		t.Errorf("natster help json says:\n%s", help.out)
	}
}

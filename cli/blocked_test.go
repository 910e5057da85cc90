package cli_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"natster/functions/api"
	"natster/internal/test/logtest"
	"natster/internal/test/wait"
)

// TestTheInboxIsGroupedAndWithoutTheBlocked has a stranger who offers much, and is blocked.
func TestTheInboxIsGroupedAndWithoutTheBlocked(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	m.natster("init bob").ok()
	e := m.Account("mallory")
	mallory := api.NewClient(e.Conn(t))
	if err := mallory.Initialize(t.Context(), e.Key, "", "mallory"); err != nil {
		t.Fatal(err)
	}
	bob := m.Account("bob").Key
	for i := range 5 {
		if err := mallory.Share(t.Context(), logtest.Catalog(fmt.Sprint("noise", i)), bob); err != nil {
			t.Fatal(err)
		}
	}
	wait.Eventually(t, "what mallory shares is known", func() bool {
		return strings.Contains(m.natster("--context bob catalog inbox").ok().out, "5 catalogs from ")
	})
	m.natster("context use alice").ok()
	m.run("catalog", "new", "films", films(t)).ok()
	m.natster("share films bob").ok()
	m.natster("context use bob").ok()

	inbox := m.natster("catalog inbox").ok()
	inbox.says("films from alice", "5 catalogs from "+e.Key.Short()+` (goes by "mallory"), 0 online now: `,
		" and 2 more", "natster catalog inbox "+e.Key.String())
	if strings.Index(inbox.out, "films from alice") > strings.Index(inbox.out, "5 catalogs") {
		t.Errorf("the stranger comes first:\n%s", inbox.out)
	}
	if n := strings.Count(inbox.out, "noise"); n != 3 {
		t.Errorf("%d catalogs of the stranger are named:\n%s", n, inbox.out)
	}
	m.natster("catalog inbox "+e.Key.String()).ok().says("noise4 from ", "catalog import noise4 ")

	m.natster("contacts block alice").exits(1).warns("an account of your own")
	m.natster("contacts block nobody").exits(1).warns("nobody is called")
	m.natster("contacts block " + e.Key.String()).ok().says("is blocked: what it shares with you is not shown")
	m.natster("contacts block " + e.Key.String()).ok().says("already")
	m.natster("contacts ls").ok().says(e.Key.String(), "blocked")
	for _, line := range []string{"catalog inbox", "catalog shares", "catalog inbox --json", "catalog shares --json"} {
		r := m.natster(line).ok().warns("5 shares of 1 blocked account left out").says("films")
		if strings.Contains(r.out, "noise") {
			t.Errorf("%s shows what a blocked account shares:\n%s", line, r.out)
		}
	}
	if r := m.run("catalog", "import", "", "--generate-bash-completion"); r.err != "" ||
		strings.Contains(r.out, "noise") || !strings.Contains(r.out, "films") {
		t.Errorf("completion: %s%s", r.out, r.err)
	}
	if r := m.run("contacts", "unblock", "", "--generate-bash-completion"); !strings.Contains(r.out, e.Key.String()) {
		t.Errorf("completion: %s%s", r.out, r.err)
	}
	for _, line := range []string{"catalog import noise1 ", "catalog inbox "} {
		m.natster(line+e.Key.String()).exits(1).warns("you have blocked", "try: natster contacts unblock")
	}
	var listed []struct {
		Name    string `json:"name"`
		Account string `json:"account"`
		Blocked bool   `json:"blocked"`
	}
	if err := json.Unmarshal([]byte(m.natster("contacts ls --json").ok().out), &listed); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range listed {
		if c.Blocked {
			n++
			if c.Account != e.Key.String() || c.Name != "" {
				t.Errorf("blocked: %+v", c)
			}
		}
	}
	if n != 1 {
		t.Errorf("%d are blocked: %+v", n, listed)
	}
	m.natster("contacts unblock " + e.Key.String()).ok().says("not blocked any more")
	m.natster("contacts unblock " + e.Key.String()).ok().says("was not blocked")
	m.natster("catalog inbox").ok().says("5 catalogs from ")
}

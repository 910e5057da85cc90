package hosts

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"natster/deploy/accounts"
	"natster/internal/test/wait"
	"natster/workloads/catalog/client"
)

// TestOneBehaviourOfAllHostsOfCatalogs runs each way in which a catalog can fail on each host.
func TestOneBehaviourOfAllHostsOfCatalogs(t *testing.T) {
	for name, kind := range catalogHosts {
		for what, fail := range map[string]func(*testing.T, catalogKind){
			"it panics at start":                    panicsAtStart,
			"its directory is gone, and comes back": losesItsDirectory,
			"NATS refuses it":                       isRefused,
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				fail(t, kind)
			})
		}
	}
}

func panicsAtStart(t *testing.T, kind catalogKind) {
	h, err := kind.start(t, true)
	wait.Eventually(t, "the panic is logged, with its stack", func() bool {
		return len(h.lines("panic", "as told", "cataloghosts_test.go")) > 0
	})
	if kind.waited {
		if err == nil || !strings.Contains(err.Error(), "panic: as told") {
			t.Errorf("the start returned %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	wait.Eventually(t, "it is served in the end", func() bool { return h.lists(t) == "a.txt" })
	h.restarted(t, 1, "panic: as told")
}

func losesItsDirectory(t *testing.T, kind catalogKind) {
	h, err := kind.start(t, false)
	if err != nil {
		t.Fatal(err)
	}
	wait.Eventually(t, "it is served", func() bool { return h.lists(t) == "a.txt" })
	aside := h.dir + ".aside"
	if err := os.Rename(h.dir, aside); err != nil {
		t.Fatal(err)
	}
	wait.Eventually(t, "it is logged that it is away", func() bool {
		return len(h.lines("WARN", "files are away", h.dir)) == 1
	})
	if got := h.lists(t); got != "a.txt" {
		t.Errorf("without its directory it lists %q", got)
	}
	put(t, filepath.Join(aside, "b.txt"))
	if err := os.Rename(aside, h.dir); err != nil {
		t.Fatal(err)
	}
	wait.Eventually(t, "it is logged that it is back", func() bool {
		return len(h.lines("INFO", "files are back", h.dir)) == 1
	})
	wait.Eventually(t, "it lists what is new", func() bool { return h.lists(t) == "a.txt b.txt" })
	h.restarted(t, 0, "")
}

func isRefused(t *testing.T, kind catalogKind) {
	h, err := kind.start(t, false)
	if err != nil {
		t.Fatal(err)
	}
	wait.Eventually(t, "it is served", func() bool { return h.lists(t) == "a.txt" })
	// The owner's user gets another key, and the one that it is served with is revoked.
	if _, err := h.Keeper().User(t.Context(), h.owner, accounts.OwnerUser, accounts.Permissions{}); err != nil {
		t.Fatal(err)
	}
	if kind.exits {
		if code := wait.Receive(t, "it ends", h.exit); code != 1 || len(h.lines("the connection is closed")) == 0 {
			t.Errorf("it ended with %d:\n%s", code, h.log)
		}
		return
	}
	wait.Eventually(t, "it is tried again", func() bool { return len(h.lines("started again")) >= 2 })
	h.restarted(t, 2, "")
}

// lists returns the paths that the owner finds in the catalog, or why there are none.
func (h catalogHost) lists(t *testing.T) string {
	c, err := client.New(client.Config{Conn: h.reader, Account: h.owner}).List(wait.Context(t), h.catalog)
	if err != nil {
		return err.Error()
	}
	var paths []string
	for _, e := range c.Entries {
		paths = append(paths, e.Path)
	}
	return strings.Join(paths, " ")
}

// lines returns the lines of the log that have all of the words.
func (h catalogHost) lines(words ...string) (found []string) {
	for line := range strings.Lines(h.log.String()) {
		has := true
		for _, w := range words {
			has = has && strings.Contains(line, w)
		}
		if has {
			found = append(found, line)
		}
	}
	return found
}

// restarted fails the test unless the catalog was started again so often, with a pause that doubles, because of err.
func (h catalogHost) restarted(t *testing.T, times int, err string) {
	t.Helper()
	got := h.lines("started again")
	if len(got) < times || times == 0 && len(got) > 0 {
		t.Fatalf("it was started again %d times, want %d:\n%s", len(got), times, h.log)
	}
	for i, line := range got[:times] {
		for _, want := range []string{"ERROR", fmt.Sprintf(" in=%s ", []string{"250ms", "500ms"}[i]), err} {
			if !strings.Contains(line, want) {
				t.Errorf("failure %d is logged as %s, want %s", i+1, line, want)
			}
		}
	}
}

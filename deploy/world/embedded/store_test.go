package embedded_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nkeys"

	"natster/deploy/accounts"
	"natster/deploy/world"
	"natster/deploy/world/embedded"
	"natster/events"
	"natster/functions/api"
	"natster/functions/view"
	"natster/internal/test/logtest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
)

// notices are what a world's operator was told.
type notices struct {
	mu  sync.Mutex
	all []embedded.Notice
}

func (n *notices) option(c *worldtest.Config) {
	c.Notify = func(one embedded.Notice) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.all = append(n.all, one)
	}
}

func (n *notices) text() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all strings.Builder
	for _, one := range n.all {
		all.WriteString(one.Happened + "; " + one.Do + "\n")
	}
	return all.String()
}

// storeDir is where JetStream keeps the streams of the global account.
func storeDir(w *worldtest.World, dir string, elem ...string) string {
	return filepath.Join(append([]string{dir, "jetstream", w.Accounts().Data.String(), "streams"}, elem...)...)
}

// matching are the files that a pattern matches, of which there has to be one.
func matching(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("no file %s: %v", pattern, err)
	}
	return found
}

// lostBy leaves of the files what a power cut does of those that were never synced: names, and nothing behind them.
func lostBy(t *testing.T, files ...string) {
	t.Helper()
	for _, f := range files {
		if err := os.Truncate(f, 0); err != nil {
			t.Fatal(err)
		}
	}
}

// all are the content of every file below dir, by name.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	files(t, dir, func(path string, info fs.FileInfo) {
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			found[path] = string(text)
		}
	})
	return found
}

// aWorldInUse has alice, who shares films with a stranger, and is stopped. It returns the directory of its streams.
func aWorldInUse(t *testing.T) (w *worldtest.World, store string, told *notices) {
	t.Helper()
	told = &notices{}
	w = worldtest.Start(t, told.option)
	_, alice := introduced(t, w, "alice")
	w.Introduce(3)
	if err := alice.Share(t.Context(), logtest.Catalog("films"), logtest.Account(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := alice.Shares(t.Context()); err != nil { // has folded it
		t.Fatal(err)
	}
	store = storeDir(w, w.Config().Dir)
	w.Stop(t)
	return w, store, told
}

// knows tells that the world has everything that aWorldInUse put into it, and takes more.
func knows(t *testing.T, w *worldtest.World) {
	t.Helper()
	alice := w.Account("alice")
	c := api.NewClient(alice.Conn(t))
	c.Observe(4) // alice, the hub's two, and her share
	var who api.Identity
	var all []api.Share
	var err error
	// A bucket that was made anew is folded first, on a busy machine for longer than a caller waits.
	wait.Eventually(t, "an answer", func() bool {
		if who, err = c.Whoami(t.Context()); err == nil {
			all, err = c.Shares(t.Context())
		}
		return !errors.Is(err, api.ErrUnavailable)
	})
	if err == nil && who.Name != "alice" {
		t.Errorf("alice is %+v", who)
	}
	if err != nil || !slices.ContainsFunc(all, func(s api.Share) bool { return s.To == logtest.Account(1) }) {
		t.Errorf("alice's shares are %+v, %v", all, err)
	}
	if err := c.Share(t.Context(), logtest.Catalog("films"), logtest.Account(2)); err != nil {
		t.Errorf("she shares more: %v", err)
	}
}

func TestAWorldStartsAfterAPowerCutWhateverWasNotSynced(t *testing.T) {
	unsynced := []view.Bucket{view.Accounts, view.Catalogs, view.Shares, view.Logins, view.Stats, view.Presence}
	for _, lost := range [][]string{
		{"meta.key"}, {"meta.inf", "meta.sum"},
		{"msgs/*.key"}, {"msgs/*.blk", "msgs/index.db"}, {"meta.*", "msgs/*"},
	} {
		t.Run(strings.ReplaceAll(strings.Join(lost, " "), "/", "_"), func(t *testing.T) {
			w, store, told := aWorldInUse(t)
			for _, b := range unsynced {
				for _, pattern := range lost {
					if found, err := filepath.Glob(filepath.Join(store, b.Stream(), pattern)); err == nil {
						lostBy(t, found...)
					}
				}
			}
			log := contents(t, filepath.Join(store, events.LogStream, "msgs"))
			w.Resume(t)
			for path, text := range contents(t, filepath.Join(store, events.LogStream, "msgs")) {
				if strings.HasSuffix(path, ".blk") && !strings.HasPrefix(text, log[path]) {
					t.Errorf("the log's %s is another", path)
				}
			}
			knows(t, w)
			if strings.Contains(strings.Join(lost, " "), "key") &&
				!strings.Contains(told.text(), "bucket shares could not be read") {
				t.Errorf("the operator was told %q", told.text())
			}
		})
	}
}

func TestAConsumerThatCannotBeReadBeginsAnew(t *testing.T) {
	for _, lost := range []string{"meta.inf", "meta.key", "meta.sum", "o.dat"} {
		t.Run(lost, func(t *testing.T) {
			w, store, told := aWorldInUse(t)
			lostBy(t, matching(t, filepath.Join(store, "*", "obs", "*", lost))...)
			w.Resume(t)
			knows(t, w)
			if !strings.Contains(told.text(), "how far function shares is") {
				t.Errorf("the operator was told %q", told.text())
			}
		})
	}
}

func TestOfWhatCannotBeMadeAgainNoMessageIsTouched(t *testing.T) {
	precious := []string{events.LogStream, view.Contexts.Stream(), view.Codes.Stream(), "NATSTER_POISON"}

	t.Run("their configuration is written anew", func(t *testing.T) {
		w, store, told := aWorldInUse(t)
		for _, s := range precious {
			lostBy(t, matching(t, filepath.Join(store, s, "meta.*"))...)
		}
		w.Resume(t)
		knows(t, w)
		if !strings.Contains(told.text(), "the event log could not be read") {
			t.Errorf("the operator was told %q", told.text())
		}
	})

	t.Run("their messages are not", func(t *testing.T) {
		w, store, _ := aWorldInUse(t)
		key := matching(t, filepath.Join(store, events.LogStream, "msgs", "*.key"))[0]
		good, err := os.ReadFile(key)
		if err != nil {
			t.Fatal(err)
		}
		lostBy(t, key)
		lostBy(t, filepath.Join(store, view.Shares.Stream(), "meta.key")) // and not this one either
		before := contents(t, store)
		_, err = w.Config().Start(t.Context())
		if !errors.Is(err, embedded.ErrDamaged) || !strings.Contains(err.Error(), "the event log") ||
			!strings.Contains(err.Error(), key) {
			t.Errorf("started over a log that cannot be read: %v", err)
		}
		if after := contents(t, store); !equal(before, after) {
			t.Error("it was changed")
		}
		if err := os.WriteFile(key, good, 0o600); err != nil {
			t.Fatal(err)
		}
		w.Resume(t)
		knows(t, w)
	})
}

func equal(a, b map[string]string) bool {
	for k, v := range a {
		if w, ok := b[k]; !ok || v != w {
			return false
		}
	}
	return len(a) == len(b)
}

func TestAWrongKeyIsSaidAndNothingIsOverwritten(t *testing.T) {
	w, _, _ := aWorldInUse(t)
	dir := w.Config().Dir
	otherCurve := func() string {
		pair, err := nkeys.CreateCurveKeys()
		if err != nil {
			t.Fatal(err)
		}
		seed, err := pair.Seed()
		if err != nil {
			t.Fatal(err)
		}
		return string(seed)
	}
	for _, damage := range []struct {
		file, content string // "-" removes it
		want          error
	}{
		{"jetstream.key", "-", embedded.ErrKeyLost},
		{"jetstream.key", "", embedded.ErrKeyWrong},
		{"jetstream.key", strings.Repeat("ANOTHERKEY", 6), embedded.ErrKeyWrong},
		{"vault.seed", "-", nil}, {"vault.seed", "", nil}, {"vault.seed", otherCurve(), nil},
		{"web.seed", "-", nil}, {"web.seed", "", nil}, {"web.seed", otherCurve(), nil},
	} {
		path := filepath.Join(dir, damage.file)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if damage.content == "-" {
			err = os.Remove(path)
		} else {
			err = os.WriteFile(path, []byte(damage.content), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		before := contents(t, dir)
		started, err := w.Config().Start(t.Context())
		if err == nil {
			t.Errorf("%s is %.4q: started", damage.file, damage.content)
			if err := started.Stop(t.Context()); err != nil {
				t.Error(err)
			}
		} else if !strings.Contains(err.Error(), damage.file) || !strings.Contains(err.Error(), "backup") ||
			damage.want != nil && !errors.Is(err, damage.want) {
			t.Errorf("%s is %.4q: %v", damage.file, damage.content, err)
		}
		after := contents(t, dir)
		delete(before, filepath.Join(dir, "keys", "lock"))
		delete(after, filepath.Join(dir, "keys", "lock"))
		if !equal(before, after) {
			t.Errorf("%s is %.4q: something was changed", damage.file, damage.content)
		}
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.Resume(t)
	knows(t, w)
}

func TestADamagedAccountFileStopsOnlyThatAccount(t *testing.T) {
	w, _, told := aWorldInUse(t)
	w.Resume(t)
	bob := w.Account("bob")
	w.Stop(t)
	path := filepath.Join(w.Config().Dir, "keys", "accounts", bob.Key.String()+".json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range []string{
		"", string(text[:len(text)/2]), "{}", strings.Replace(string(text), `"jwt": "ey`, `"jwt": "xx`, 1),
	} {
		if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		w.Resume(t)
		knows(t, w)
		var d *accounts.Damaged
		if _, err := w.Keeper().Enrol(t.Context(), "bob"); !errors.As(err, &d) || d.Account != bob.Key {
			t.Errorf("bob enrols again: %v", err)
		}
		said := told.text()
		if !strings.Contains(said, "account bob ("+bob.Key.String()) || !strings.Contains(said, path) {
			t.Errorf("the operator was told %q", said)
		}
		if _, err := w.Keeper().Enrol(t.Context(), "carol"); err != nil {
			t.Errorf("carol enrols: %v", err)
		}
		w.Stop(t)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	lostBy(t, filepath.Join(w.Config().Dir, "keys", "names", "bob")) // who he is says his account itself
	w.Resume(t)
	if e, err := w.Keeper().Enrol(t.Context(), "bob"); err != nil || e.Account != bob.Key {
		t.Errorf("bob is %s, %v", e.Account, err)
	}
}

func TestADamagedInfoIsMadeAgain(t *testing.T) {
	w, _, _ := aWorldInUse(t)
	info := filepath.Join(w.Config().Dir, "world.json")
	lostBy(t, info)
	started, err := w.Config().Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if found, err := world.Find(w.Config().Dir); err != nil || found.URL != started.Info().URL {
		t.Errorf("found %+v, %v", found, err)
	}
	if err := started.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

package embedded_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"natster/deploy/world"
	"natster/events"
	"natster/functions/api"
	"natster/functions/projection"
	"natster/functions/view"
	"natster/internal/jet"
	"natster/internal/test/logtest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
)

// logFiles are the blocks of a world's log, in order, and what else the server keeps beside them.
func logFiles(t *testing.T, dir, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", events.LogStream, "msgs", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no %s of the log: %v", pattern, err)
	}
	return files
}

func TestAWorldWhoseLogLostItsEndTakesNothingNewUntilThatIsAccepted(t *testing.T) {
	w := worldtest.Start(t)
	_, client := introduced(t, w, "alice")
	w.Introduce(8)
	for i := range 5 {
		if err := client.Share(t.Context(), logtest.Catalog("films"), logtest.Account(i)); err != nil {
			t.Fatal(err)
		}
	}
	nc := connected(t, w.Admin)
	direct, err := jet.NewDirect(nc, jet.Own)
	if err != nil {
		t.Fatal(err)
	}
	views := view.NewReader(direct)
	if err := projection.Settle(t.Context(), views, client.Position(), view.Projections()...); err != nil {
		t.Fatal(err)
	}
	w.Stop(t)

	// The log as it was a moment before, which a restored backup or a lying disk leaves.
	block := logFiles(t, w.Config().Dir, "*.blk")[0]
	info, err := os.Stat(block)
	if err != nil {
		t.Fatal(err)
	}
	index := logFiles(t, w.Config().Dir, "index.db")[0]
	if err := errors.Join(os.Truncate(block, info.Size()-1000), os.Remove(index)); err != nil {
		t.Fatal(err)
	}
	w.Resume(t)
	if who, err := client.Whoami(t.Context()); err != nil || who.Initialized == 0 {
		t.Errorf("what is known cannot be asked for: %+v, %v", who, err)
	}
	films := logtest.Catalog("films")
	err = client.Share(t.Context(), films, logtest.Account(6))
	if !errors.Is(err, api.ErrUnavailable) || !strings.Contains(err.Error(), "natster admin check") {
		t.Fatalf("an event takes the position of a lost one: %v", err)
	}
	admin := connected(t, w.Admin)
	if err := world.Rebuild(t.Context(), admin, false, nil, world.Projections()...); !errors.Is(err, events.ErrLost) {
		t.Fatalf("a rebuild: %v", err)
	}
	if err := world.Rebuild(t.Context(), admin, true, nil, world.Projections()...); err != nil {
		t.Fatal(err)
	}
	client = api.NewClient(w.Account("alice").Conn(t)) // the old one has seen what is gone
	for {
		err := client.Share(t.Context(), films, logtest.Account(7))
		if err == nil {
			break
		}
		if !errors.Is(err, api.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	isNew := func(s api.Share) bool { return s.To == logtest.Account(7) }
	if shares, err := client.Shares(t.Context()); err != nil || !slices.ContainsFunc(shares, isNew) {
		t.Errorf("what came after the loss is not known: %+v, %v", shares, err)
	}
}

// A flipped byte is in whatever event: the hub's own, which every start wants to know of, or another; and the server,
// which ended well, believes what it noted of its files then.
func TestAWorldWhoseLogIsDamagedSaysSoAndStarts(t *testing.T) {
	w := worldtest.Start(t)
	_, client := introduced(t, w, "alice")
	w.Introduce(8)
	for i := range 3 {
		if err := client.Share(t.Context(), logtest.Catalog("films"), logtest.Account(i)); err != nil {
			t.Fatal(err)
		}
	}
	w.Stop(t)
	block := logFiles(t, w.Config().Dir, "*.blk")[0]
	log, err := os.ReadFile(block)
	if err != nil {
		t.Fatal(err)
	}
	messages, asItWas := filepath.Dir(block), filepath.Join(t.TempDir(), "msgs")
	if err := os.CopyFS(asItWas, os.DirFS(messages)); err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{30, 100, 200, 300, 400, len(log) / 2, len(log) - 100} {
		if err := errors.Join(os.RemoveAll(messages), os.CopyFS(messages, os.DirFS(asItWas))); err != nil {
			t.Fatal(err)
		}
		flipped := bytes.Clone(log)
		flipped[at] ^= 1
		if err := os.WriteFile(block, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		var said lockedBuffer
		c := w.Config()
		c.Logger = slog.New(slog.NewTextHandler(&said, nil))
		again, err := c.Start(t.Context())
		if err != nil {
			t.Fatalf("flipped at %d of %d: %v", at, len(log), err)
		}
		wait.Eventually(t, "a word of what is lost", func() bool {
			return strings.Contains(said.String(), "the log is damaged")
		})
		if err := again.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// A lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

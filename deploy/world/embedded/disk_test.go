package embedded_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"natster/deploy/world/embedded"
	"natster/functions/api"
	"natster/internal/test/logtest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
)

func TestAFullDiskIsSaidAndTheWorldGoesOnWhenThereIsRoom(t *testing.T) {
	var free atomic.Uint64
	free.Store(1 << 30)
	var told notices
	w := worldtest.Start(t, told.option, func(c *worldtest.Config) {
		c.FreeSpace = func() (uint64, error) { return free.Load(), nil }
	})
	_, alice := introduced(t, w, "alice")
	w.Introduce(8)
	share := func(n int) error { return alice.Share(t.Context(), logtest.Catalog("films"), logtest.Account(n)) }
	if err := share(1); err != nil {
		t.Fatal(err)
	}

	free.Store(3_000_000)
	wait.Eventually(t, "a refusal", func() bool { return share(2) != nil })
	err := share(3)
	if !errors.Is(err, api.ErrFull) || !errors.Is(err, api.ErrUnavailable) ||
		!strings.Contains(err.Error(), "disk is full: free 25 MB") {
		t.Errorf("a share on a full disk: %v", err)
	}
	if who, err := alice.Whoami(t.Context()); err != nil || who.Name != "alice" ||
		!strings.Contains(alice.Notice(), "disk is full") {
		t.Errorf("whoami: %+v, %v, notice %q", who, err, alice.Notice())
	}
	if _, err := alice.GenerateCode(t.Context(), api.Context{}); !errors.Is(err, api.ErrFull) {
		t.Errorf("a code on a full disk: %v", err)
	}
	if said := told.text(); !strings.Contains(said, "the disk is full: 3.0 MB free on the disk of "+w.Config().Dir) ||
		!strings.Contains(said, "make room until 25 MB are free") {
		t.Errorf("the operator was told %q", said)
	}

	free.Store(20 << 20) // more than it keeps, less than it wants
	if err := share(4); !errors.Is(err, api.ErrFull) {
		t.Errorf("a share when there is hardly room: %v", err)
	}
	free.Store(50 << 20)
	wait.Eventually(t, "room", func() bool { return share(5) == nil })
	if _, err := alice.Whoami(t.Context()); err != nil || alice.Notice() != "" {
		t.Errorf("whoami: %v, notice %q", err, alice.Notice())
	}
	if !strings.Contains(told.text(), "the world goes on") {
		t.Errorf("the operator was told %q", told.text())
	}
}

func TestAServerThatCouldNotWriteIsStartedAgainByItself(t *testing.T) {
	var told notices
	w := worldtest.Start(t, told.option)
	a, alice := introduced(t, w, "alice")
	w.Introduce(2)
	before := w.Info()

	// A stream of the operator's own, small enough that it soon begins another file, where no file can be made.
	admin := connected(t, w.Admin)
	js := jetStream(t, admin)
	config := jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, MaxBytes: 1 << 20}
	if _, err := js.CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "s", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	messages := storeDir(w, w.Config().Dir, "S", "msgs")
	if err := os.Rename(messages, messages+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(messages, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	fill := make([]byte, 64<<10)
	wait.Eventually(t, "an error of the disk", func() bool {
		if err := admin.Publish("s", fill); err != nil && !admin.IsClosed() {
			t.Fatal(err)
		}
		return strings.Contains(told.text(), "could not write")
	})
	if err := errors.Join(os.Remove(messages), os.Rename(messages+".away", messages)); err != nil {
		t.Fatal(err)
	}

	wait.Eventually(t, "the world going on", func() bool { return strings.Contains(told.text(), "goes on") })
	if w.Info() != before {
		t.Errorf("it is elsewhere: %+v, was %+v", w.Info(), before)
	}
	n := 0
	wait.Eventually(t, "a share", func() bool {
		n++
		return alice.Share(t.Context(), logtest.Catalog(fmt.Sprint("films", n)), logtest.Account(1)) == nil
	})
	if a.Conn(t).Stats().Reconnects == 0 {
		t.Error("the server was not started again")
	}
	again := jetStream(t, connected(t, w.Admin))
	wait.Eventually(t, "the stream", func() bool { _, err := again.Publish(t.Context(), "s", fill); return err == nil })
}

func TestAWorldStartsWhereFiftyMegabytesAreFree(t *testing.T) {
	free := uint64(50_000_000)
	w := worldtest.Start(t, func(c *worldtest.Config) { c.FreeSpace = func() (uint64, error) { return free, nil } })
	introduced(t, w, "alice")
	if most := w.MaxStore(); most < 1<<40 {
		t.Errorf("the server lets streams have %d bytes, whatever is free", most)
	}
	w.Stop(t)
	w.Resume(t)
	w.Stop(t)

	free = 3_000_000
	_, err := w.Config().Start(t.Context())
	want := fmt.Sprintf("a world needs 17 MB free on the disk of %s, and there are 3.0 MB", w.Config().Dir)
	if !errors.Is(err, embedded.ErrDiskFull) || !strings.Contains(err.Error(), want) {
		t.Errorf("started with 3 MB free: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(w.Config().Dir, "aside")); err != nil || len(left) > 0 {
		t.Errorf("set aside: %v, %v", left, err)
	}
}

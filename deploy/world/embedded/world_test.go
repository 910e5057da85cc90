package embedded_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/deploy/accounts"
	"natster/deploy/world"
	"natster/deploy/world/embedded"
	"natster/functions/api"
	"natster/internal/test/eventstest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
)

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		w := worldtest.Start(b)
		b.StopTimer()
		w.Stop(b)
		b.StartTimer()
	}
}

func BenchmarkRestart(b *testing.B) {
	w := worldtest.Start(b)
	for b.Loop() {
		w.Restart(b)
	}
}

// files calls do with every file below dir.
func files(t *testing.T, dir string, do func(path string, info fs.FileInfo)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil {
			do(path, info)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestARestartBringsEverythingBack(t *testing.T) {
	w := bare(t)
	alice, bob := w.Account("alice"), w.Account("bob")
	films := eventstest.Catalog(t, "films")
	w.Import(bob, films, alice)
	before := w.Info()
	answers(t, alice.Conn(t), "*.natster.catalog.films.get", "alice's")
	js := jetStream(t, connected(t, w.Admin))
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "s", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	reconnected := make(chan struct{}, 2)
	for _, a := range []*worldtest.Account{alice, bob} {
		a.Conn(t).SetReconnectHandler(func(*nats.Conn) { reconnected <- struct{}{} })
	}

	w.Restart(t)

	after := w.Info()
	before.Started = after.Started
	if before != after {
		t.Errorf("before %+v, after %+v", before, after)
	}
	for range cap(reconnected) {
		wait.Receive(t, "every connection comes back", reconnected)
	}
	flush(t, alice.Conn(t)) // her subscription is there again
	if m, err := request(t, bob.Conn(t), "natster.catalog.films.get", ""); err != nil || string(m.Data) != "alice's" {
		t.Errorf("bob asks alice: %v, %v", m, err)
	}
	e, err := w.Keeper().Enrol(t.Context(), "alice")
	if err != nil || e.Account != alice.Key || !bytes.Equal(e.Creds, alice.Creds) {
		t.Errorf("alice is %s, %v; was %s", e.Account, err, alice.Key)
	}
	stream, err := jetStream(t, connected(t, w.Admin)).Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	if m, err := stream.GetMsg(t.Context(), 1); err != nil || string(m.Data) != "kept" {
		t.Errorf("the stream has %v, %v", m, err)
	}
}

func jetStream(t testing.TB, nc *nats.Conn) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func TestWhatStreamsKeepIsEncryptedOnDisk(t *testing.T) {
	const plaintext = "the quick brown fox is nobody's business"
	w := bare(t)
	js := jetStream(t, connected(t, w.Admin))
	config := jetstream.StreamConfig{Name: "S", Subjects: []string{"secret.subject.*"}}
	if _, err := js.CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if _, err := js.Publish(t.Context(), "secret.subject."+strconv.Itoa(i), []byte(plaintext)); err != nil {
			t.Fatal(err)
		}
	}
	check := func(when string) {
		var stored int64
		files(t, filepath.Join(w.Config().Dir, "jetstream"), func(path string, info fs.FileInfo) {
			if info.IsDir() {
				return
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			stored += int64(len(text))
			for _, s := range []string{plaintext, "secret.subject"} {
				if bytes.Contains(text, []byte(s)) {
					t.Errorf("%s: %s has %q", when, path, s)
				}
			}
		})
		if stored < 100*int64(len(plaintext)) {
			t.Errorf("%s: only %d bytes are on disk", when, stored)
		}
	}
	check("while it runs") // synced as it was acknowledged
	w.Stop(t)
	check("after its end")

	key := filepath.Join(w.Config().Dir, "jetstream.key")
	text, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Config().Start(t.Context()); !errors.Is(err, embedded.ErrKeyLost) {
		t.Errorf("started without the key: %v", err)
	}
	if err := os.WriteFile(key, text, 0o600); err != nil {
		t.Fatal(err)
	}
	w.Resume(t)
}

func TestNothingOfAWorldIsReadableByOthersAndNoSecretIsInInfoOrLog(t *testing.T) {
	var logged syncBuffer
	w := withEcho(t, sayIt)
	w.Stop(t)
	c := w.Config()
	c.SelfSigned = true
	c.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	running, err := c.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := running.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		w.Resume(t)
	}()
	alice, err := running.Keeper().Enrol(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	nc, err := running.Info().Connect(t.Context(), alice.Creds)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	ask(t, nc, "hello")

	var secrets []string
	files(t, c.Dir, func(path string, info fs.FileInfo) {
		if path != c.Dir && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		if filepath.Base(filepath.Dir(path)) != "accounts" {
			return
		}
		var a worldtest.AccountKeys
		worldtest.ReadKeys(t, &a, c.Dir, "accounts", filepath.Base(path))
		secrets = append(secrets, a.Seed, a.SigningSeed)
		for _, u := range a.Users {
			secrets = append(secrets, u.Seed, u.JWT)
		}
	})
	var o worldtest.OperatorKeys
	worldtest.ReadKeys(t, &o, c.Dir, "operator.json")
	storage, err := os.ReadFile(filepath.Join(c.Dir, "jetstream.key"))
	if err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, o.SigningSeed, string(storage), "PRIVATE KEY")
	if len(secrets) < 20 {
		t.Fatalf("found only %d secrets", len(secrets))
	}
	info, err := os.ReadFile(filepath.Join(c.Dir, "world.json"))
	if err != nil {
		t.Fatal(err)
	}
	for place, text := range map[string]string{"world.json": string(info), "the log": logged.String()} {
		if len(text) == 0 {
			t.Errorf("%s is empty", place)
		}
		for _, s := range secrets {
			if strings.Contains(text, s) {
				t.Errorf("%s has the secret %.6s…", place, s)
			}
		}
	}
}

func TestADirectoryIsRunByOneServerAtATime(t *testing.T) {
	w := bare(t)
	_, err := w.Config().Start(t.Context())
	if !errors.Is(err, world.ErrRunning) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("a second start: %v; want it refused, naming process %d", err, os.Getpid())
	}
	if info, err := world.Find(w.Config().Dir); err != nil || info != w.Info() {
		t.Errorf("found %+v, %v", info, err)
	}
	w.Stop(t)
	info, err := world.Find(w.Config().Dir)
	if !errors.Is(err, accounts.ErrNotRunning) || info.PID != 0 || info.URL == "" {
		t.Errorf("found %+v, %v", info, err)
	}
	if _, err := world.Find(t.TempDir()); !errors.Is(err, accounts.ErrNoWorld) {
		t.Errorf("found in an empty directory: %v", err)
	}
}

func TestAStartThatFailsLeavesNothingBehind(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	c := worldtest.Config{Config: embedded.Config{
		Dir: t.TempDir(), Listen: taken.Addr().String(), WebSocket: "127.0.0.1:0",
	}}
	worldtest.Bare(&c)
	if _, err := c.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("started on a port that is taken: %v", err)
	}
	c.Listen = "127.0.0.1:0"
	w, err := c.Start(t.Context())
	if err != nil {
		t.Fatalf("then on another: %v", err)
	}
	if err := w.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAllFunctionsRun(t *testing.T) {
	w := worldtest.Start(t)
	admin := connected(t, w.Admin)
	running := make(map[string]bool)
	infos := subscribe(t, admin, "infos")
	if err := admin.PublishRequest("$SRV.INFO", "infos", nil); err != nil {
		t.Fatal(err)
	}
	for range w.Functions() {
		var info struct{ Name string }
		if err := json.Unmarshal(wait.Message(t, infos).Data, &info); err != nil {
			t.Fatal(err)
		}
		running[info.Name] = true
	}
	for _, f := range w.Functions() {
		if !running[f.Name] {
			t.Errorf("%s does not run", f.Name)
		}
	}
	if len(running) == 0 {
		t.Error("no function runs")
	}
	w.Restart(t)
}

func TestNobodyElseEverOwnsTheHubsName(t *testing.T) {
	w := worldtest.Start(t)
	mallory := w.Account("mallory")
	c := api.NewClient(mallory.Conn(t))
	verdict, err := c.ValidateName(t.Context(), w.HubCatalog().String())
	if err != nil || verdict.Valid {
		t.Errorf("before anybody is initialized: %+v, %v", verdict, err)
	}
	if err := c.Initialize(t.Context(), mallory.Key, "", "mallory"); err != nil {
		t.Fatal(err)
	}
	if err := c.Share(t.Context(), w.HubCatalog(), w.Accounts().Site); !errors.Is(err, api.ErrConflict) {
		t.Errorf("the first newcomer shares the hub's name: %v", err)
	}
	similar := eventstest.Catalog(t, "NATSTERhub")
	if err := c.Share(t.Context(), similar, w.Accounts().Site); !errors.Is(err, api.ErrConflict) {
		t.Errorf("a name that looks like the hub's: %v", err)
	}
}

func TestACancelledStartStartsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	config := embedded.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", WebSocket: "127.0.0.1:0"}
	if _, err := embedded.Start(ctx, config); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

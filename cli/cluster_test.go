package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"natster/deploy/world"
	"natster/events"
	"natster/functions/api"
	"natster/internal/test/logtest"
	"natster/internal/test/nextest"
	"natster/internal/test/wait"
)

// TestAWorldOnThreeServers goes the way that the README shows when a machine is not enough: configuration files for
// stock NATS servers, streams with three replicas, functions on a Nex node, and one server that dies.
func TestAWorldOnThreeServers(t *testing.T) {
	t.Parallel()
	home, dir, conf := t.TempDir(), filepath.Join(t.TempDir(), "world"), t.TempDir()
	nexURL := nextest.Server(t).ClientURL()
	env := func(name string) string {
		switch name {
		case "HOME":
			return home
		case "NATSTER_WORLD":
			return dir
		case "NATSTER_NEX_URL":
			return nexURL
		}
		return ""
	}
	natster := func(line string) result { t.Helper(); return runWith(t, env, strings.Fields(line)...) }

	var servers []string
	ports := ports(t, 6)
	for i := range 3 {
		servers = append(servers, fmt.Sprintf("127.0.0.1:%d:%d", ports[2*i], ports[2*i+1]))
	}
	all := strings.Join(servers, " ")
	natster("admin cluster a b").exits(1).warns("take an odd number")
	natster("admin cluster a:b:c:d").exits(2).warns("not a server")
	natster("admin provision " + all + " --replicas 5").exits(2).warns("there are 3 servers")
	natster("admin provision "+all).exits(1).warns("no servers available", "natster admin cluster")
	natster("admin provision host.invalid --replicas 1").exits(1).warns("host.invalid", "try: natster admin cluster")
	before := mode(t, conf)
	natster("admin cluster "+all+" --out "+conf).ok().says("nats-server -c", "as you keep passwords")
	if after := mode(t, conf); after != before { // it is the user's, perhaps the one he is in
		t.Errorf("the directory of the configuration had mode %s, and has %s", before, after)
	}
	key := read(t, filepath.Join(conf, "natster-1", "jetstream.conf"))
	natster("admin cluster " + all + " --out " + conf).ok()
	if again := read(t, filepath.Join(conf, "natster-1", "jetstream.conf")); again != key {
		t.Error("the second time there is another key")
	}
	var running []*server.Server
	for i := range 3 {
		running = append(running, serve(t, filepath.Join(conf, fmt.Sprintf("natster-%d", i+1))))
	}
	// As soon as the servers have found together:
	natster("admin provision "+all+" --replicas 3").ok().says("3 replicas", "natster deploy up")
	natster("admin creds").ok()
	c := &cluster{machine: &machine{nil, t, home}, url: nexURL, catalogs: t.TempDir()}
	c.node("one", nil)
	natster("deploy up").ok().says("started", "eventwriter")
	claimTheHubsName(t, dir)
	natster("init alice").ok().says("account alice is ready")
	natster("init bob").ok()
	natster("context use alice").ok()
	runWith(t, env, "catalog", "new", "films", films(t)).ok()
	natster("catalog share films bob").ok()
	wait.Eventually(t, "bob is given the hub's catalog", func() bool {
		return strings.Contains(natster("--context bob catalog inbox").out, "natsterhub from hub")
	})
	runWith(t, env, "catalog", "new", "natsterhub", films(t)).exits(1).warns("only the hub")
	running[0].Shutdown()
	running[0].WaitForShutdown()
	wait.Eventually(t, "what was shared is there, on the other servers", func() bool {
		return strings.Contains(natster("--context bob catalog inbox").out, "films from alice")
	})
	wait.Eventually(t, "life goes on", func() bool { return natster("catalog unshare films bob").code == 0 })
	alice := strings.Fields(natster("whoami").out)[2]
	for i := range 3 {
		store := filepath.Join(conf, fmt.Sprintf("natster-%d", i+1), "jetstream")
		if found := filesWith(t, store, alice); found != nil {
			t.Errorf("server %d has an account of an event in clear in %v", i+1, found)
		}
	}
}

// TestAStrangersServerCannotJoin starts servers that would join a cluster, with everything that its own have, except
// for a certificate of its authority.
func TestAStrangersServerCannotJoin(t *testing.T) {
	t.Parallel()
	p := ports(t, 6)
	member := fmt.Sprintf("127.0.0.1:%d:%d", p[0], p[1])
	configs := func(name, server string) string { // of one among three, two of which never run
		t.Helper()
		dir := t.TempDir()
		env := func(string) string { return filepath.Join(dir, name) } // HOME, NATSTER_WORLD
		runWith(t, env, "admin", "cluster", "--out", dir, server, "127.0.0.1", "127.0.0.1:1:1").ok()
		return filepath.Join(dir, "natster-1")
	}
	ours := configs("ours", member)
	var log serverLog
	s := serve(t, ours, &log)
	for i, change := range []func(conf string) string{
		func(conf string) string { return conf }, // of another world's authority
		func(conf string) string { // none
			from, to := strings.LastIndex(conf, "  tls {"), strings.Index(conf, "  routes: [")
			return conf[:from] + conf[to:]
		},
	} {
		theirs := configs("theirs", fmt.Sprintf("127.0.0.1:%d:%d", p[2+2*i], p[3+2*i]))
		path := filepath.Join(theirs, "nats-server.conf")
		conf := strings.Replace(change(read(t, path)), "routes: [",
			fmt.Sprintf("routes: [\n    \"nats-route://127.0.0.1:%d\"", p[1]), 1)
		if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
			t.Fatal(err)
		}
		log.forget()
		stranger := serve(t, theirs)
		wait.Eventually(t, "a stranger is refused", func() bool {
			return log.has("TLS route handshake error")
		})
		if n, m := s.NumRoutes(), stranger.NumRoutes(); n != 0 || m != 0 {
			t.Errorf("stranger %d joined: %d and %d routes", i, n, m)
		}
		stranger.Shutdown()
	}
}

// TestAClusterInClearIsEncryptedWhenItHasAKey is what docs/operating.md tells the operator of a cluster from before.
func TestAClusterInClearIsEncryptedWhenItHasAKey(t *testing.T) {
	t.Parallel()
	home, dir, conf := t.TempDir(), filepath.Join(t.TempDir(), "world"), t.TempDir()
	env := func(name string) string { return map[string]string{"HOME": home, "NATSTER_WORLD": dir}[name] }
	p := ports(t, 2)
	one := fmt.Sprintf("127.0.0.1:%d:%d", p[0], p[1])
	runWith(t, env, "admin", "cluster", one, "--out", conf).ok()
	conf = filepath.Join(conf, "natster-1")
	path := filepath.Join(conf, "nats-server.conf")
	encrypted := read(t, path)
	key := `  include "jetstream.conf" # the key` + "\n"
	plain := strings.NewReplacer("  cipher: aes\n", "", key, "").Replace(encrypted)
	if err := os.WriteFile(path, []byte(plain), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, conf)
	runWith(t, env, "admin", "provision", one, "--replicas", "1").ok()
	marker := logtest.Account(1).String()
	nc, _, err := world.Admin(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "natster.events."+marker+".N.N.test", []byte(marker)); err != nil {
		t.Fatal(err)
	}
	nc.Close()
	s.Shutdown()
	s.WaitForShutdown()
	store := filepath.Join(conf, "jetstream")
	if filesWith(t, store, marker) == nil {
		t.Error("this test does not look where the events are")
	}
	if err := os.WriteFile(path, []byte(encrypted), 0o600); err != nil {
		t.Fatal(err)
	}
	// A summary that is made again when it is not there; the server would encrypt it at the stream's next change.
	for _, path := range filesWith(t, store, marker) {
		if filepath.Base(path) == "index.db" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	serve(t, conf)
	wait.Eventually(t, "the event is there", func() bool {
		nc, _, err := world.Admin(t.Context(), dir)
		if err != nil {
			return false
		}
		defer nc.Close()
		js, err := jetstream.New(nc)
		if err != nil {
			return false
		}
		log, err := js.Stream(t.Context(), events.LogStream)
		return err == nil && log.CachedInfo().State.LastSeq == 1
	})
	if found := filesWith(t, store, marker); found != nil {
		t.Errorf("in clear: %v", found)
	}
}

// filesWith are the files under dir that contain text.
func filesWith(t *testing.T, dir, text string) (found []string) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // a server that goes on removes files
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil {
			n++
		}
		if bytes.Contains(content, []byte(text)) {
			found = append(found, path)
		}
		return nil
	})
	if err != nil || n == 0 {
		t.Fatalf("%d files in %s: %v", n, dir, err)
	}
	return found
}

// A serverLog keeps what a server says of errors.
type serverLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *serverLog) add(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(&l.text, format+"\n", v...)
}

func (l *serverLog) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}

func (l *serverLog) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}

func (l *serverLog) Errorf(format string, v ...any) { l.add(format, v...) }
func (l *serverLog) Fatalf(format string, v ...any) { l.add(format, v...) }
func (l *serverLog) Warnf(format string, v ...any)  { l.add(format, v...) }
func (l *serverLog) Noticef(string, ...any)         {}
func (l *serverLog) Debugf(string, ...any)          {}
func (l *serverLog) Tracef(string, ...any)          {}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

// claimTheHubsName checks that only the hub can share a catalog by its name, also before the hub is introduced, which
// the first new account causes.
func claimTheHubsName(t *testing.T, dir string) {
	t.Helper()
	info, err := world.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	keeper, err := world.OpenKeeper(dir)
	if err != nil {
		t.Fatal(err)
	}
	e, err := keeper.Enrol(t.Context(), "mallory")
	if err != nil {
		t.Fatal(err)
	}
	nc, err := info.Connect(t.Context(), e.Creds)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := api.NewClient(nc).Share(t.Context(), info.HubCatalog, info.Site); !errors.Is(err, api.ErrConflict) {
		t.Errorf("mallory shares a catalog called as the hub's: %v", err)
	}
}

// serve is a stock NATS server in dir, as admin cluster writes it. Its errors go to log, if there is one.
func serve(t *testing.T, dir string, log ...server.Logger) *server.Server {
	t.Helper()
	path := filepath.Join(dir, "nats-server.conf")
	text := read(t, path)
	inside := strings.ReplaceAll(text, `"./`, `"`+dir+"/") // this process has another working directory
	if err := os.WriteFile(path, []byte(inside), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := server.ProcessConfigFile(path)
	if err != nil {
		t.Fatal(err)
	}
	o.NoLog, o.NoSigs = true, true
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range log {
		s.SetLoggerV2(l, false, false, false)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(wait.Patience) {
		t.Fatal("a server does not start")
	}
	return s
}

// ports are ports that nobody listens on: the files name them before the servers start.
func ports(t *testing.T, n int) (all []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		address, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			t.Fatal("no address")
		}
		all = append(all, address.Port)
	}
	return all
}

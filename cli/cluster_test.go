package cli_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"natster/deploy/world"
	"natster/functions/api"
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
	natster("admin cluster " + all + " --out " + conf).ok().says("nats-server -c")
	if after := mode(t, conf); after != before { // it is the user's, perhaps the one he is in
		t.Errorf("the directory of the configuration had mode %s, and has %s", before, after)
	}
	var running []*server.Server
	for i := range 3 {
		running = append(running, serve(t, filepath.Join(conf, fmt.Sprintf("natster-%d.conf", i+1))))
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

// serve is a stock NATS server of that configuration file.
func serve(t *testing.T, path string) *server.Server {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir() // the files are for servers that run each in a directory of its own
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), `"./`, `"`+dir+"/")), 0o600); err != nil {
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

package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/cli"
	"natster/deploy/nex"
	"natster/internal/test/nextest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
	"natster/workloads/nexlet/wire"
)

// A cluster is a machine whose world's functions run on Nex.
type cluster struct {
	*machine
	url      string // of Nex's NATS
	catalogs string
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	t.Parallel()
	c := &cluster{
		machine:  &machine{worldtest.Start(t, func(c *worldtest.Config) { c.Elsewhere = true }), t, t.TempDir()},
		url:      nextest.Server(t).ClientURL(),
		catalogs: t.TempDir(),
	}
	return c
}

func (c *cluster) env(name string) string {
	switch name {
	case "NATSTER_NEX_URL":
		return c.url
	}
	return c.machine.env(name)
}

// natster runs a command line that knows where Nex is.
func (c *cluster) natster(line string) result {
	c.t.Helper()
	return runWith(c.t, c.env, strings.Fields(line)...)
}

// nexlet is `natster nexlet` as a stand-in node runs it: with no environment but the node's and that of nex.json.
func (c *cluster) nexlet() nextest.Func {
	return func(ctx context.Context, getenv func(string) string, _ func() int) error {
		var log bytes.Buffer
		code := cli.Main(ctx, cli.Outside{
			Args: []string{"natster", "nexlet"}, Stdin: strings.NewReader(""), Stdout: &log, Stderr: &log,
			Getenv: func(name string) string {
				switch name {
				case "NATSTER_CREDS_DIR":
					return filepath.Join(c.home, ".local/share/natster/nexlet/creds")
				case "NATSTER_STATE_DIR":
					return filepath.Join(c.home, ".local/share/natster/nexlet/state")
				case "NATSTER_CATALOGS_DIR":
					return c.catalogs
				}
				return getenv(name)
			},
		})
		if code != 0 && ctx.Err() == nil {
			c.t.Errorf("natster nexlet ended with %d:\n%s", code, log.String())
			return fmt.Errorf("exit %d", code)
		}
		return nil
	}
}

func (c *cluster) node(name string, tags wire.Tags) *nextest.Node {
	c.t.Helper()
	n := nextest.Start(c.t, nextest.Config{URL: c.url, Name: name, Tags: tags, Agents: []nextest.Agent{c.nexlet()}})
	ctx, cancel := context.WithTimeout(c.t.Context(), wait.Patience)
	defer cancel()
	if err := n.Healthy(ctx, "natster"); err != nil {
		c.t.Fatal(err)
	}
	return n
}

func TestAStoryOverFunctionsOnNex(t *testing.T) {
	c := newCluster(t)
	c.natster("deploy up").exits(1).warns("no Nex node answers", "nex --config nex.json node up")
	c.natster("admin creds").ok().says("13 functions and the hub")
	first := c.node("one", nil)
	c.natster("deploy nodes").ok().says("one", "healthy")
	c.natster("deploy status").exits(1).warns("not as they ought to be", "natster deploy up")
	c.natster("deploy up").ok().says("started", "eventwriter", "on one", "queries")
	c.natster("deploy up").ok().says("kept")
	c.natster("deploy status").ok().says("eventwriter", "ok", "1/1")

	c.natster("init alice").ok().says("account alice is ready")
	c.natster("init bob").ok()
	c.natster("context use alice").ok()
	c.machine.run("catalog", "new", "films", films(t)).ok()
	c.natster("catalog share films bob").ok().says("shared films with bob")
	c.natster("--context bob catalog inbox").ok().says("films from alice")
	c.natster("stats").ok()
	c.natster("deploy ls").ok().says("eventwriter", "running", "RUNS")
	c.natster("deploy logs otc").ok().says("otc", "ready")

	// Credentials that come sealed, where the nexlet has none.
	theirs := c.natster("admin creds").ok().out
	dir := strings.TrimSpace(theirs[strings.LastIndex(theirs, " ")+1:])
	own, sealed := filepath.Join(dir, "otc.creds"), filepath.Join(t.TempDir(), "env")
	if err := os.Rename(own, sealed+".creds"); err != nil {
		t.Fatal(err)
	}
	c.natster("deploy restart otc").exits(1).warns("no credentials for function otc")
	if err := os.WriteFile(sealed, []byte("NATSTER_CREDS=@"+sealed+".creds\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.natster("deploy restart otc --seal "+sealed).ok().says("started", "otc", "stopped")
	if err := os.Rename(sealed+".creds", own); err != nil {
		t.Fatal(err)
	}

	// The hub's catalog as a service, from the Nexfile.
	if err := os.MkdirAll(filepath.Join(c.catalogs, "natsterhub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.catalogs, "natsterhub", "welcome.txt"), []byte("welcome\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	c.natster("deploy up --file ../deploy/nexfiles/catalog.yaml").ok().says("started", "catalog")
	c.natster("--context bob catalog import natsterhub").ok()
	wait.Eventually(t, "the hub serves bob", func() bool {
		return strings.Contains(c.natster("--context bob catalog contents natsterhub").out, "welcome.txt")
	})

	// To another node, without an interruption.
	c.node("two", wire.Tags{"zone": "b"})
	c.natster("deploy up eventwriter queries --replicas 2 --tags zone=b").ok()
	c.natster("deploy restart otc").ok().says("started", "otc", "stopped")
	c.natster("whoami").ok().says("alice")
	c.natster("deploy lameduck one").ok().says("node one takes no more work and ends in 10m0s")
	c.natster("deploy up feed").ok().says("started", "on two", "its node is in lameduck")
	c.natster("deploy down feed").ok().says("stopped", "feed")
	c.natster("deploy status").exits(1).says("feed", "missing")
	c.natster("deploy down").ok()
	c.natster("deploy ls").ok().says("nothing runs in namespace natster")
	first.Stop()
}

func TestDeploysThatCannotBe(t *testing.T) {
	c := newCluster(t)
	gone := func(name string) string {
		if name == "NATSTER_NEX_URL" {
			return "nats://127.0.0.1:1"
		}
		return c.machine.env(name)
	}
	runWith(t, gone, "deploy", "up").exits(1).warns("there is no NATS server for Nex at nats://127.0.0.1:1",
		"try: natster deploy nodes --nats")
	runWith(t, gone, "devrun", "--nex", "--dir", t.TempDir(), "--listen", "127.0.0.1:0", "--websocket", "127.0.0.1:0").
		exits(1).warns("there is no NATS server for Nex")
	c.natster("nexlet").exits(1).warns("no Nex node started this process", "try: natster nexlet --remote")
	c.natster("deploy down").exits(1).warns("no Nex node answers")
	c.natster("deploy lameduck one").exits(1).warns("no Nex node answers")
	const devrun = "devrun --nex --listen 127.0.0.1:0 --websocket 127.0.0.1:0 --web off --dir "
	without := c.natster(devrun + t.TempDir()).exits(1)
	if n := strings.Count(without.err, "no Nex node answers"); n != 1 {
		t.Errorf("said %d times: %s", n, without.err)
	}
	c.natster("deploy ls --namespace a.b").exits(1).warns("one word")
	c.natster("deploy up --tags zone").exits(2).warns("is not KEY=VALUE")
	c.natster("deploy up --replicas 0").exits(2).warns("at least 1")
	c.natster("admin creds").ok()
	c.node("one", nil)
	c.natster("deploy up nosuch").exits(1).warns(`"nosuch": nothing of that name can be deployed`,
		"functions are eventwriter")
	c.natster("deploy up otc --tags gpu=yes").exits(1).warns(`its tag gpu is "", not "yes"`)
	c.natster("deploy up --file nosuch.yaml").exits(1).warns("nosuch.yaml")
	c.natster("deploy up --file ../deploy/nexfiles/catalog.yaml").exits(1).
		warns("there is none in the nexlet's directory of catalogs")
	c.natster("deploy restart otc").exits(1).warns("otc: no such workload")
	c.natster("deploy down otc").exits(1).warns("otc: no such workload", "try: natster deploy status")
	c.natster("deploy ls").ok().says("nothing runs")
	secret := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(secret, []byte("no equals sign here"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := c.natster("deploy up otc --seal " + secret).exits(1).warns("line 1 is not KEY=VALUE")
	if strings.Contains(r.err, "equals") {
		t.Error("it shows the secret")
	}
}

func TestANexletWithoutCredentialsSaysSo(t *testing.T) {
	c := newCluster(t)
	c.node("one", nil)
	c.natster("deploy up otc").exits(1).warns("no credentials for function otc", "natster admin creds")
	c.natster("deploy ls").ok().says("nothing runs")
	c.natster("admin creds").ok()
	c.natster("deploy up otc").ok().says("started")
}

func TestDevrunOnNex(t *testing.T) {
	c := newCluster(t)
	dir := t.TempDir()
	c.node("one", nil)
	r := c.machine.startWith(c.env, "devrun --nex --listen 127.0.0.1:0 --websocket 127.0.0.1:0 --dir "+dir,
		"Natster's world is running")
	elsewhere := func(name string) string {
		if name == "NATSTER_WORLD" {
			return dir
		}
		return c.env(name)
	}
	runWith(t, elsewhere, "init", "carol").ok().says("account carol is ready")
	runWith(t, elsewhere, "whoami").ok().says("carol")
	c.natster("deploy ls --json").ok().says(`"name": "eventwriter"`)
	if code := r.interrupt(); code != 130 {
		t.Errorf("devrun ended with %d", code)
	}
	n, err := nex.New(nex.Config{Conn: connectTo(t, c.url)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if left, err := n.List(ctx); err != nil || len(left) != 0 {
		t.Errorf("left on Nex: %v, %v", left, err)
	}
}

func connectTo(t *testing.T, url string) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

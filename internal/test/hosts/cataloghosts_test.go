package hosts

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/cli"
	"natster/deploy/accounts"
	"natster/deploy/nex"
	"natster/events"
	"natster/functions"
	"natster/internal/test/catalogtest"
	"natster/internal/test/nexlettest"
	"natster/internal/test/nextest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
	"natster/workloads/nexlet"
	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

// A catalogKind is a host of catalogs, and where it rightly differs from the others.
type catalogKind struct {
	// start starts it with one catalog, whose first start panics if asked for.
	start func(t *testing.T, panics bool) (catalogHost, error)
	// waited is set where the first start is waited for: its error is returned to that caller, and not tried again.
	waited bool
	// exits is set where it ends when NATS refuses it, for its owner to see; it is not tried again.
	exits bool
}

// catalogHosts are all that serve catalogs, with the pauses that each has when natster runs it.
var catalogHosts = map[string]catalogKind{
	"natster catalog serve": {start: byCommand, waited: true, exits: true},
	"the hub":               {start: asHub, waited: true},
	"a nexlet":              {start: byNexlet},
}

// A catalogHost serves a catalog of one file, a.txt, in a world without functions: only its owner can read it.
type catalogHost struct {
	*worldtest.World
	owner   events.Account
	reader  *nats.Conn // the owner's, with another user's rights where there is one
	catalog events.Catalog
	dir     string
	log     *catalogLog
	exit    <-chan int // the exit code, if it exits
}

// byCommand serves with natster catalog serve, of which each entry of the log is an object.
func byCommand(t *testing.T, panics bool) (catalogHost, error) {
	w := worldtest.Start(t, worldtest.Bare)
	alice := w.Account("alice")
	home := t.TempDir()
	creds := filepath.Join(home, "alice.creds")
	if err := os.WriteFile(creds, alice.Creds, 0o600); err != nil {
		t.Fatal(err)
	}
	h := catalogHost{
		World: w, owner: alice.Key, reader: reader(t, w, alice.Key), catalog: catalogtest.Films,
		dir: directory(t, t.TempDir()), log: &catalogLog{},
	}
	h.log.panics.Store(panics)
	ctx, stop := context.WithCancel(t.Context())
	natster := func(args ...string) int {
		return cli.Main(ctx, cli.Outside{
			Args: append([]string{"natster"}, args...), Stdin: strings.NewReader(""), Stdout: h.log, Stderr: h.log,
			Getenv: func(name string) string {
				return map[string]string{"HOME": home, "NATS_URL": w.URL(), "NATS_CREDS": creds}[name]
			},
		})
	}
	if code := natster("catalog", "new", "films", h.dir); code != 0 {
		t.Fatalf("natster catalog new: %d\n%s", code, h.log)
	}
	exit := make(chan int, 1)
	h.exit = exit
	var serving sync.WaitGroup
	serving.Go(func() { exit <- natster("catalog", "serve", "films", "--json") })
	t.Cleanup(func() {
		stop()
		serving.Wait()
	})
	if panics {
		return h, fmt.Errorf("exit %d: %s", wait.Receive(t, "it ends", exit), h.log)
	}
	return h, nil
}

// asHub serves the hub's catalog in the embedded world.
func asHub(t *testing.T, panics bool) (catalogHost, error) {
	h := catalogHost{dir: directory(t, t.TempDir()), log: &catalogLog{}}
	h.log.panics.Store(panics)
	served := func(c *worldtest.Config) {
		c.HubDir, c.Logger = h.dir, slog.New(slog.NewTextHandler(h.log, nil))
	}
	if panics {
		c := worldtest.Config{}
		c.Dir, c.Listen, c.WebSocket = t.TempDir(), "127.0.0.1:0", "127.0.0.1:0"
		worldtest.Bare(&c)
		served(&c)
		w, err := c.Start(t.Context())
		if err == nil {
			err = w.Stop(t.Context())
		}
		return h, err
	}
	h.World = worldtest.Start(t, worldtest.Bare, served)
	h.owner, h.catalog = h.Accounts().Hub, h.HubCatalog()
	h.reader = reader(t, h.World, h.owner)
	return h, nil
}

// byNexlet serves a catalog as a workload of Nex.
func byNexlet(t *testing.T, panics bool) (catalogHost, error) {
	const namespace = "catalogs"
	s := nexlettest.Start(t, func() []functions.Function { return nil })
	alice := s.Account("alice")
	s.GrantCatalog(alice)
	h := catalogHost{
		World: s.World, owner: alice.Key, reader: reader(t, s.World, alice.Key), catalog: catalogtest.Films,
		dir: directory(t, s.Catalogs), log: &catalogLog{},
	}
	nc := s.NexConn()
	if _, err := nc.Subscribe(wire.Logs(namespace, "*", "*"), func(m *nats.Msg) {
		fmt.Fprintf(h.log, "%s\n", bytes.TrimSpace(m.Data))
	}); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	var panicking atomic.Bool
	panicking.Store(panics)
	s.Node(nextest.Config{Agents: []nextest.Agent{s.Agent(func(c *nexlet.Config) {
		c.Pause = nil
		dial := c.Dial
		c.Dial = func(ctx context.Context, creds []byte, options ...nats.Option) (*nats.Conn, error) {
			if panicking.Swap(false) {
				panic("as told")
			}
			return dial(ctx, creds, options...)
		}
	})}})
	_, err := s.Client(namespace).Deploy(t.Context(), nex.Request{Name: "films", Start: spec.Start{
		Catalog: &spec.Catalog{Name: "films", Dir: filepath.Base(h.dir), As: "alice"},
	}})
	return h, err
}

// directory makes a directory with a.txt in parent.
func directory(t *testing.T, parent string) string {
	dir := filepath.Join(parent, "films")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "a.txt"))
	return dir
}

func put(t *testing.T, path string) {
	if err := os.WriteFile(path, []byte(path), 0o644); err != nil {
		t.Fatal(err)
	}
}

// reader connects as the account by a user of its own, whose key stays.
func reader(t *testing.T, w *worldtest.World, a events.Account) *nats.Conn {
	creds, err := w.Keeper().User(t.Context(), a, "reader", accounts.Permissions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	nc, err := w.Info().Connect(t.Context(), creds)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// A catalogLog is the log of a host. If panics is set, the first warning that the shares are not known, which the
// start of a server logs in a world without functions, makes it panic.
type catalogLog struct {
	panics atomic.Bool
	mu     sync.Mutex
	text   bytes.Buffer
}

func (l *catalogLog) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("the shares could not be confirmed")) && l.panics.Swap(false) {
		panic("as told")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *catalogLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

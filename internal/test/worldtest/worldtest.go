package worldtest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
	"natster/deploy/world"
	"natster/deploy/world/embedded"
	"natster/events"
	"natster/functions"
	"natster/internal/test/logtest"
	"natster/internal/test/wait"
)

// A World is a running world of one test. What fails in it fails the test.
type World struct {
	*embedded.World

	t        testing.TB
	config   Config
	log      *log
	mu       sync.Mutex
	accounts map[string]*Account
}

// An Account is a user of a test's world.
type Account struct {
	Name  string
	Key   events.Account
	Creds accounts.Creds

	w  *World
	mu sync.Mutex
	nc *nats.Conn
}

// A Config is what a test may change of a world before it starts.
type Config struct {
	embedded.Config
	embedded.Hooks
}

// Start starts another world like it.
func (c Config) Start(ctx context.Context) (*embedded.World, error) {
	return embedded.StartWith(ctx, c.Config, c.Hooks)
}

// Bare is an option of [Start]: a server and accounts, without functions.
func Bare(c *Config) { c.Functions = []functions.Function{} }

// Running is an option of [Start]: functions that run in place of Natster's own.
func Running(fns ...functions.Function) func(*Config) {
	return func(c *Config) { c.Functions = fns }
}

// Start starts a world in a directory of the test, on ports that nobody else has. Options change its Config before it
// starts.
func Start(t testing.TB, options ...func(*Config)) *World {
	t.Helper()
	l := &log{}
	w := &World{
		t:        t,
		log:      l,
		accounts: make(map[string]*Account),
		config: Config{Config: embedded.Config{
			Dir:       t.TempDir(),
			Listen:    "127.0.0.1:0",
			WebSocket: "127.0.0.1:0",
			Logger:    slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelInfo})),
		}},
	}
	for _, o := range options {
		o(&w.config)
	}
	w.World = w.start(t)
	t.Cleanup(func() {
		w.closeConnections()
		w.stop(t)
		if t.Failed() {
			t.Logf("the world's log:\n%s", l.text())
		}
	})
	return w
}

// Config is what the world was started with.
func (w *World) Config() Config { return w.config }

// URL is where NATS clients connect, WebSocketURL the same for browsers.
func (w *World) URL() string { return w.Info().URL }

// WebSocketURL is where browsers connect.
func (w *World) WebSocketURL() string { return w.Info().WebSocketURL }

// Accounts are the world's own accounts, and HubCatalog the name of the hub's catalog.
func (w *World) Accounts() accounts.WellKnown { return w.Keeper().WellKnown() }

// HubCatalog is the name of the hub's catalog.
func (w *World) HubCatalog() events.Catalog { return w.Info().HubCatalog }

// Hub connects to the hub's account, and Site to the website's, with every right in it. The caller closes the
// connection.
func (w *World) Hub(ctx context.Context) (*nats.Conn, error) { return w.owner(ctx, w.Info().Hub) }

// Site connects to the website's account with every right in it. The caller closes the connection.
func (w *World) Site(ctx context.Context) (*nats.Conn, error) { return w.owner(ctx, w.Info().Site) }

// In connects to one of the world's accounts with every right in it. The connection ends with the test.
func (w *World) In(a events.Account) *nats.Conn {
	w.t.Helper()
	nc, err := w.owner(w.context(), a)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(nc.Close)
	return nc
}

// InFunction is In the account of a function.
func (w *World) InFunction(name string) *nats.Conn {
	w.t.Helper()
	a, err := w.Keeper().FunctionAccount(name)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.In(a)
}

func (w *World) owner(ctx context.Context, a events.Account) (*nats.Conn, error) {
	creds, err := w.Keeper().Owner(ctx, a)
	if err != nil {
		return nil, err
	}
	return w.ConnectAs(ctx, creds, nats.Name(accounts.OwnerUser))
}

// Website connects as the website does, with the rights that it needs and no others. The caller closes the connection.
func (w *World) Website(ctx context.Context) (*nats.Conn, error) {
	return world.Website(ctx, w.config.Dir)
}

// Log is what the world has logged until now.
func (w *World) Log() string { return w.log.text() }

// Account returns the account called name, enrolled if it is not yet.
func (w *World) Account(name string) *Account {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if a, ok := w.accounts[name]; ok {
		return a
	}
	e, err := w.Keeper().Enrol(w.context(), name)
	if err != nil {
		w.t.Fatalf("account %s: %v", name, err)
	}
	a := &Account{Name: name, Key: e.Account, Creds: e.Creds, w: w}
	w.accounts[name] = a
	return a
}

// Introduce initializes the first n accounts of package logtest: they can be shared with.
func (w *World) Introduce(n int) {
	w.t.Helper()
	w.append(func(nc *nats.Conn) error { return logtest.Introduce(w.context(), nc, n) })
}

// Initialize initializes the account, without its doing.
func (w *World) Initialize(a *Account) {
	w.t.Helper()
	w.append(func(nc *nats.Conn) error { return logtest.Initialize(w.context(), nc, a.Key) })
}

func (w *World) append(to func(*nats.Conn) error) {
	w.t.Helper()
	nc, err := w.Admin(w.context())
	if err == nil {
		defer nc.Close()
		err = to(nc)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// Import lets importer use the owner's catalog.
func (w *World) Import(importer *Account, c events.Catalog, owner *Account) {
	w.t.Helper()
	if err := w.Keeper().Import(w.context(), importer.Key, accounts.Import{Catalog: c, Owner: owner.Key}); err != nil {
		w.t.Fatalf("%s imports %s: %v", importer.Name, c, err)
	}
}

// Restart stops the world and starts it again, on the same directory and ports. Connections of accounts reconnect.
func (w *World) Restart(t testing.TB) {
	t.Helper()
	w.Stop(t)
	w.Resume(t)
}

// Stop stops the world; Resume starts it again.
func (w *World) Stop(t testing.TB) {
	t.Helper()
	w.stop(t)
}

// Resume starts a world that Stop stopped, on the same directory and ports.
func (w *World) Resume(t testing.TB) {
	t.Helper()
	before, err := world.Find(w.config.Dir)
	if err != nil && !errors.Is(err, accounts.ErrNotRunning) {
		t.Fatal(err)
	}
	w.World = w.start(t)
	if hostPort(w.URL()) != hostPort(before.URL) || hostPort(w.WebSocketURL()) != hostPort(before.WebSocketURL) {
		t.Fatalf("another process took the world's ports while it was stopped: %s and %s",
			before.URL, before.WebSocketURL)
	}
}

// hostPort is url without its scheme.
func hostPort(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	return rest
}

// Conn is the account's connection, made when it is first asked for; it ends with the test, and survives a Restart.
func (a *Account) Conn(t testing.TB) *nats.Conn {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.nc == nil {
		a.nc = a.Connect(t)
	}
	return a.nc
}

// Connect makes another connection of the account. The caller closes it.
func (a *Account) Connect(t testing.TB, options ...nats.Option) *nats.Conn {
	t.Helper()
	options = append([]nats.Option{nats.Name(a.Name), nats.ReconnectWait(5 * time.Millisecond)}, options...)
	nc, err := a.w.Info().Connect(a.w.context(), a.Creds, options...)
	if err != nil {
		t.Fatalf("%s connects: %v", a.Name, err)
	}
	return nc
}

func (w *World) start(t testing.TB) *embedded.World {
	t.Helper()
	ctx, cancel := context.WithTimeout(w.context(), wait.Patience)
	defer cancel()
	started, err := w.config.Start(ctx)
	if err != nil {
		t.Fatalf("start the world: %v\n%s", err, w.log.text())
	}
	return started
}

func (w *World) stop(t testing.TB) {
	t.Helper()
	if w.World == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.context()), wait.Patience)
	defer cancel()
	if err := w.World.Stop(ctx); err != nil {
		t.Errorf("stop the world: %v", err)
	}
	w.World = nil
}

func (w *World) closeConnections() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.accounts {
		a.mu.Lock()
		if a.nc != nil {
			a.nc.Close()
		}
		a.mu.Unlock()
	}
}

func (w *World) context() context.Context { return w.t.Context() }

// A log keeps what is logged, for a failing test to show.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *log) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
	"natster/deploy/world"
	"natster/events"
	"natster/functions"
	"natster/internal/loopback"
	"natster/internal/private"
	"natster/internal/supervise"
)

// Config says what world to start. Only Dir is required.
type Config struct {
	// Dir is the world's directory; it is made if it does not exist.
	Dir string

	// Listen is host:port for NATS clients, WebSocket the same for browsers. A port other than 0 has to be free. Port 0
	// is the port of the world's last run if that is free, and any otherwise. An empty string is loopback, at the port
	// of the last run, or else [accounts.DefaultPort] (for browsers 7480) if that is free, or else any.
	Listen, WebSocket string

	// TLSCert and TLSKey are PEM files; SelfSigned asks for a pair that is made once and kept. A host other than
	// loopback needs one or the other.
	TLSCert, TLSKey string
	SelfSigned      bool

	// HubCatalog is the catalog of the hub, which is shared with every new account. Zero is [world.DefaultHubCatalog].
	HubCatalog events.Catalog

	// HubDir is the directory of the hub's catalog, which the world then serves. Empty: the world does not serve it.
	HubDir string

	// ClaimURL is the page on which a person claims a one-time code; it is shown with each code. It may be empty.
	ClaimURL string

	// Elsewhere makes all that the functions need, but does not run them: nexlets do, for instance; see [world.Export].
	Elsewhere bool

	// Version is the semantic version that the functions report to discovery; 0.0.0 if empty.
	Version string

	// Notify is called with what the operator has to know, such as that the disk is full. If nil, that is logged.
	Notify func(Notice)

	// Logger gets the log of the server and the functions. Nil: nothing is logged.
	Logger *slog.Logger
}

// A Notice is something about the world that its operator has to know.
type Notice struct {
	Happened string
	Do       string // what to do about it; empty if nothing is to be done
}

// notify calls Notify, or logs.
func (c Config) notify(happened, do string) {
	if c.Notify != nil {
		c.Notify(Notice{happened, do})
		return
	}
	c.Logger.Warn(happened, "do", do)
}

// Hooks are what tests change of a world; production code has none.
type Hooks struct {
	// Functions run in place of Natster's own, unless it is nil. An empty list is a server and accounts only.
	Functions []functions.Function
	// FreeSpace returns how many bytes are free on the disk of the world; nil asks the system.
	FreeSpace func() (uint64, error)
}

// A World is a running world. Its methods may be called concurrently.
type World struct {
	config    Config
	info      world.Info
	keeper    *accounts.Operator
	admin     accounts.Creds // see Admin
	unlock    func() error   // nil before the lock is held
	at        listening
	functions *functionSet
	hub       *supervise.Running // nil: not here
	disk      *disk
	logSize   logSize
	backlog   backlog
	room      []byte // garbageRoom, until the world ends

	mu     sync.Mutex
	server *server.Server // another one after each restart
}

// garbageRoom is how much more garbage, in bytes, Go lets come together in the process of a world before it collects
// it. The heap of a world is small, and an account that sends large requests made Go collect again and again: others
// waited for five times as long. It is never written, and so takes no memory itself.
const garbageRoom = 64 << 20

// Start starts the world in c.Dir, which it makes if there is none, and returns when all of it runs. The caller stops
// it. It fails with [world.ErrRunning] when the world runs already, and with ErrNeedsTLS, ErrTLSPair and ErrAddress for
// an invalid Config.
func Start(ctx context.Context, c Config) (*World, error) { return StartWith(ctx, c, Hooks{}) }

// StartWith is Start with hooks, for tests.
func StartWith(ctx context.Context, c Config, hooks Hooks) (_ *World, err error) {
	if c.Dir == "" {
		return nil, errors.New("world: no directory given")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.HubCatalog.IsZero() {
		if c.HubCatalog, err = events.ParseCatalog(world.DefaultHubCatalog); err != nil {
			return nil, err
		}
	}
	// A directory that was there before keeps its mode: everything in it is private by itself.
	if err := private.MkdirAll(c.Dir); err != nil {
		return nil, fmt.Errorf("world: %w", err)
	}
	w := &World{config: c, room: make([]byte, garbageRoom)}
	if w.unlock, err = world.Lock(ctx, c.Dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.end())
		}
	}()

	w.disk = newDisk(c, hooks.FreeSpace)
	if err := w.disk.checkSpace(); err != nil {
		return nil, err
	}
	last, err := world.Find(c.Dir)
	if err != nil && !errors.Is(err, accounts.ErrNoWorld) && !errors.Is(err, accounts.ErrNotRunning) {
		c.Logger.Warn("made again", "err", err) // all that was in it is known from elsewhere
	}
	at, fingerprint, err := c.listening(last)
	if err != nil {
		return nil, err
	}
	offline, err := world.Keys(ctx, c.Dir)
	if err != nil {
		return nil, err
	}
	if err := world.CheckSeeds(c.Dir); err != nil {
		return nil, err
	}
	limits, err := world.ReadLimits(c.Dir)
	if err != nil {
		return nil, err
	}
	fns := hooks.Functions
	if fns == nil {
		fns = world.Functions(world.Settings{
			Accounts: offline.WellKnown(), HubCatalog: c.HubCatalog, ClaimURL: c.ClaimURL, Keys: c.Dir, World: c.Dir,
			Limits: limits,
		})
	}
	var creds map[string]accounts.Creds
	if len(fns) > 0 { // of a world without functions, others may run some
		if creds, err = offline.Functions(ctx, fns); err != nil {
			return nil, err
		}
	}
	if w.admin, err = offline.Admin(ctx); err != nil {
		return nil, err
	}
	w.functions = &functionSet{functions: fns, creds: creds, conns: make(map[string]*nats.Conn)}
	if w.server, err = c.startServer(ctx, offline, at, w.disk.failed); err != nil {
		return nil, err
	}
	w.keeper = offline.Telling(w.ConnectAs)
	if err := w.writeInfo(at, fingerprint); err != nil {
		return nil, err
	}
	w.disk.watch(w)
	w.backlog.watch(w, fns)
	if err := w.functions.start(ctx, w); err != nil {
		return nil, err
	}
	if len(fns) > 0 { // else there is no log, until others make it
		w.logSize.watch(w, limits.OrDefault().LogBytes)
	}
	if c.HubDir != "" {
		if w.hub, err = w.serveHub(ctx); err != nil {
			return nil, errors.Join(err, w.functions.stop(ctx))
		}
	}
	return w, nil
}

// Stop lets the functions finish what they are doing, for as long as ctx allows, and then ends the world. It returns
// when nothing of the world runs any more. Call it once.
func (w *World) Stop(ctx context.Context) error {
	if w.hub != nil {
		w.hub.Stop()
	}
	return errors.Join(w.functions.stop(ctx), w.end())
}

// Info returns what other processes may know about the world.
func (w *World) Info() world.Info { return w.info }

// Keeper returns what changes the accounts of the world.
func (w *World) Keeper() *accounts.Operator { return w.keeper }

// HubDir returns the directory of the hub's catalog, if the world serves it.
func (w *World) HubDir() string { return w.config.HubDir }

// ConnectAs connects inside the process, without a socket; the connection ends with the world. The caller closes it.
func (w *World) ConnectAs(ctx context.Context, creds accounts.Creds, options ...nats.Option) (*nats.Conn, error) {
	all := []nats.Option{nats.InProcessServer(w.running()), nats.NoReconnect()}
	return world.Info{}.Connect(ctx, creds, append(all, options...)...)
}

// running returns the server that runs now, or ran last.
func (w *World) running() *server.Server {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.server
}

// Admin connects to the account that owns JetStream with every right in it: for provisioning and
// rebuilding, not for functions.
func (w *World) Admin(ctx context.Context) (*nats.Conn, error) {
	return w.ConnectAs(ctx, w.admin, nats.Name(accounts.AdminUser))
}

// end undoes as much of Start as was done, except that the functions are stopped already.
func (w *World) end() error {
	var errs []error
	runtime.KeepAlive(w.room)
	w.room = nil
	w.logSize.stop()
	w.backlog.stop()
	w.disk.stop()
	if w.server != nil {
		w.server.Shutdown()
		w.server.WaitForShutdown()
	}
	if w.info.Running {
		w.info.Running, w.info.PID = false, 0
		errs = append(errs, w.info.Save(w.config.Dir))
	}
	return errors.Join(append(errs, w.unlock())...)
}

// listening decides where the server listens, and returns the fingerprint of its certificate, if it has one.
func (c Config) listening(last world.Info) (listening, string, error) {
	var at listening
	var err error
	if at.nats, err = choose(c.Listen, last.URL, accounts.DefaultPort); err != nil {
		return at, "", err
	}
	if at.webSocket, err = choose(c.WebSocket, last.WebSocketURL, defaultWebSocketPort); err != nil {
		return at, "", err
	}
	var fingerprint string
	if at.tls, fingerprint, err = serverTLS(c, at.nats.host, at.webSocket.host); err != nil {
		return at, "", err
	}
	if at.tls == nil && !(loopback.Host(at.nats.host) && loopback.Host(at.webSocket.host)) {
		return at, "", ErrNeedsTLS
	}
	return at, fingerprint, nil
}

// writeInfo writes world.json, so that other processes find the world.
func (w *World) writeInfo(at listening, fingerprint string) error {
	scheme, webSocketScheme := "nats", "ws"
	if at.tls != nil {
		scheme, webSocketScheme = "tls", "wss"
	}
	w.at = at
	w.at.nats.port, w.at.webSocket.port = portOf(w.server.ClientURL()), portOf(w.server.WebsocketURL())
	w.info = world.Info{
		Running:      true,
		PID:          os.Getpid(),
		Started:      time.Now().UTC(),
		URL:          localURL(scheme, at.nats.host, w.at.nats.port),
		WebSocketURL: localURL(webSocketScheme, at.webSocket.host, w.at.webSocket.port),
		Fingerprint:  fingerprint,
		WellKnown:    w.keeper.WellKnown(),
		HubCatalog:   w.config.HubCatalog,
	}
	return w.info.Save(w.config.Dir)
}

package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
	"natster/deploy/world"
	"natster/events"
	"natster/internal/private"
	"natster/internal/supervise"
)

// Config says what world to start. Only Dir is required.
type Config struct {
	// Dir is the world's directory; it is made if it does not exist.
	Dir string

	// Listen is host:port for NATS clients, WebSocket the same for browsers. A port other than 0 has to be free. Port 0 is the
	// port of the world's last run if that is free, and any otherwise. An empty string is loopback, at the port of the last
	// run, or else DefaultPort (DefaultWebSocketPort) if that is free, or else any.
	Listen, WebSocket string

	// TLSCert and TLSKey are PEM files; SelfSigned asks for a pair that is made once and kept. A host other than loopback
	// needs one or the other.
	TLSCert, TLSKey string
	SelfSigned      bool

	// HubCatalog is the catalog of the hub, which newcomers are given. Zero is [world.DefaultHubCatalog].
	HubCatalog events.Catalog

	// HubDir is the directory of the hub's catalog, which the world then serves. Empty: somebody else does, or nobody.
	HubDir string

	// ClaimURL is the page on which a person claims a one-time code; it is told with each code. It may be empty.
	ClaimURL string

	// Elsewhere makes all that the functions need and leaves running them to others, such as nexlets; see [world.Export].
	Elsewhere bool

	// Version is what the functions say of themselves to discovery; a semantic version, 0.0.0 if empty.
	Version string

	// Notify, if not nil, is told what the operator has to know, such as that the disk is full; otherwise the log is.
	Notify func(Notice)

	// Logger takes the log of the server and the functions; nil is none.
	Logger *slog.Logger
}

// A World is a running world. Its methods may be called concurrently.
type World struct {
	config    Config
	hooks     Hooks
	info      world.Info
	known     accounts.WellKnown
	keeper    *accounts.Operator
	unlock    func() error // nil before the lock is held
	at        listening
	functions *functionSet
	hub       *supervise.Running // nil: not here
	disk      *disk

	mu     sync.Mutex
	server *server.Server // another one after each revival
}

// Start starts the world in c.Dir, which it makes if need be, and returns when all of it runs. The caller stops it.
// It fails with [world.ErrRunning] when the world runs, with ErrNeedsTLS, ErrTLSPair and ErrAddress for a Config that cannot be.
func Start(ctx context.Context, c Config) (*World, error) { return StartWith(ctx, c, Hooks{}) }

// StartWith is Start for tests, which change by hooks what a world has otherwise.
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
	// A directory that was there before keeps its mode: all that is in it is private by itself.
	if err := private.MkdirAll(c.Dir); err != nil {
		return nil, fmt.Errorf("world: %w", err)
	}
	w := &World{config: c, hooks: hooks}
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
	if err != nil && !errors.Is(err, accounts.ErrNoWorld) && !errors.Is(err, accounts.ErrNotRunning) { // all that is in it is known from elsewhere
		c.Logger.Warn("made again", "err", err)
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
	w.known = offline.WellKnown()
	fns := hooks.Functions
	if fns == nil {
		fns = world.Functions(world.Settings{
			Accounts: w.known, HubCatalog: c.HubCatalog, ClaimURL: c.ClaimURL, Keys: c.Dir, World: c.Dir,
		})
	}
	creds, err := world.Users(ctx, offline, fns)
	if err != nil {
		return nil, err
	}
	w.functions = &functionSet{functions: fns, creds: creds, conns: make(map[string]*nats.Conn)}
	if w.server, err = c.startServer(ctx, offline, at, w.disk.failed); err != nil {
		return nil, err
	}
	w.keeper = offline.Telling(w.dial)
	if err := w.announce(at, fingerprint); err != nil {
		return nil, err
	}
	w.disk.watch(w)
	if err := w.functions.start(ctx, w); err != nil {
		return nil, err
	}
	if c.HubDir != "" {
		if w.hub, err = w.serveHub(ctx); err != nil {
			return nil, errors.Join(err, w.functions.stop(ctx))
		}
	}
	return w, nil
}

// Stop lets the functions finish what they are doing, for as long as ctx allows, and then ends the world.
// It returns when nothing of the world runs any more, and is to be called once.
func (w *World) Stop(ctx context.Context) error {
	if w.hub != nil {
		w.hub.Stop()
	}
	return errors.Join(w.functions.stop(ctx), w.end())
}

// Info is all that other processes may know of the world.
func (w *World) Info() world.Info { return w.info }

// Keeper changes the accounts of the world.
func (w *World) Keeper() *accounts.Operator { return w.keeper }

// HubDir is the directory of the hub's catalog, if the world serves it.
func (w *World) HubDir() string { return w.config.HubDir }

// end undoes as much of Start as was done, but for the functions.
func (w *World) end() error {
	var errs []error
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

func (c Config) listening(last world.Info) (listening, string, error) {
	var at listening
	var err error
	if at.nats, err = choose(c.Listen, last.URL, DefaultPort); err != nil {
		return at, "", err
	}
	if at.webSocket, err = choose(c.WebSocket, last.WebSocketURL, DefaultWebSocketPort); err != nil {
		return at, "", err
	}
	var fingerprint string
	if at.tls, fingerprint, err = serverTLS(c, at.nats.host, at.webSocket.host); err != nil {
		return at, "", err
	}
	if at.tls == nil && !(at.nats.loopback() && at.webSocket.loopback()) {
		return at, "", ErrNeedsTLS
	}
	return at, fingerprint, nil
}

// announce writes world.json: from here on others find the world.
func (w *World) announce(at listening, fingerprint string) error {
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
		Global:       w.known.Global,
		Hub:          w.known.Hub,
		Site:         w.known.Site,
		HubCatalog:   w.config.HubCatalog,
	}
	return w.info.Save(w.config.Dir)
}

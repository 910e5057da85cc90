package nexlet

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"natster/functions"
	"natster/internal/backoff"
	"natster/internal/private"
	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

// agentName is the nexlet's name at nodes. It is not a workload type.
const agentName = "natster_nexlet"

// Config configures a nexlet. Functions, Dial and State are required, and either Place or Remote.
type Config struct {
	// Place is the place of a local nexlet at its node; see [PlaceFrom].
	Place *Place
	// Remote says how a remote nexlet finds a node.
	Remote *Remote

	// Functions returns what can be deployed here. It is called when a workload is started.
	Functions func() ([]functions.Function, error)
	// Keys has the credentials of functions and catalogs. If it is empty, only those that come sealed can run.
	Keys KeyDir
	// Dial connects to Natster's own NATS, which need not be the one that Nex runs on. The connection must reconnect
	// without limit.
	Dial func(ctx context.Context, creds []byte, options ...nats.Option) (*nats.Conn, error)

	// NexCreds is the content of a credentials file for the account that Nex runs in, used in place of what the node
	// gives. It may be empty.
	NexCreds []byte
	// Catalogs is the directory in which the directories of catalogs are. If it is empty, no catalogs are served.
	Catalogs string
	// State is the nexlet's own directory.
	State string
	// Curve is the key that environments are sealed to. If nil, one is kept in State. Nexlets with the same key can
	// take over each other's workloads.
	Curve nkeys.KeyPair

	Version string        // semantic; 0.0.0 if empty
	Logger  *slog.Logger  // of the nexlet itself; the node logs it. Nil: nothing is logged
	Parent  func() int    // the parent process; the nexlet ends when it changes. Nil: it is not watched
	Beat    time.Duration // between heartbeats; 3 s if 0
	Sample  time.Duration // between WORKLOADTRIGGERED events of one workload, at least; 1 s if 0
	Watch   time.Duration // between checks of the parent; 1 s if 0
	Silence time.Duration // of the node, after which a remote nexlet looks for another; 35 s if 0
	// Pause is how long a workload that failed stays down; nil is as [supervise.Config] says.
	Pause func(attempt int) time.Duration
}

// Remote says how a nexlet that no node started finds one.
type Remote struct {
	Nexus      string
	Connection wire.ConnectionData // may ask for registration
}

// ErrConfig is wrapped by errors about an invalid Config.
var ErrConfig = errors.New("nexlet")

// A Nexlet is made by [New] and runs once.
type Nexlet struct {
	cfg     Config
	log     *slog.Logger
	file    stateFile
	curve   nkeys.KeyPair
	schema  string
	started time.Time
	poke    chan struct{}  // send a heartbeat now
	running sync.WaitGroup // workloads

	mu        sync.Mutex
	nc        *nats.Conn
	reg       registration
	state     string
	workloads map[string]*workload
	refused   map[string]refusal // by id: starts that were refused, and that a node stores nevertheless
}

// New returns a nexlet that does nothing until [Nexlet.Run].
func New(c Config) (*Nexlet, error) {
	bad := func(what string) error { return fmt.Errorf("%w: %s", ErrConfig, what) }
	switch {
	case (c.Place == nil) == (c.Remote == nil):
		return nil, bad("it is either a local one or a remote one")
	case c.Remote != nil && !wire.IsToken(c.Remote.Nexus):
		return nil, bad(fmt.Sprintf("%q is not a valid name of a nexus", c.Remote.Nexus))
	case c.Functions == nil || c.Dial == nil:
		return nil, bad("functions and a way to connect are needed")
	case c.State == "":
		return nil, bad("it has no directory for its state (NATSTER_STATE_DIR)")
	}
	c.Version = cmp.Or(c.Version, "0.0.0")
	c.Beat = cmp.Or(c.Beat, 3*time.Second)
	c.Sample = cmp.Or(c.Sample, time.Second)
	c.Watch = cmp.Or(c.Watch, time.Second)
	c.Silence = cmp.Or(c.Silence, 35*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	n := &Nexlet{
		cfg: c, log: c.Logger, curve: c.Curve, started: time.Now(),
		poke: make(chan struct{}, 1), state: wire.AgentStarting,
		workloads: make(map[string]*workload), refused: make(map[string]refusal),
	}
	var name string // of the state file: a local nexlet's is its node's, a remote one's the nexus's
	if c.Place != nil {
		name = c.Place.Node
	} else {
		name = "remote-" + c.Remote.Nexus
	}
	n.file = stateFile(filepath.Join(c.State, name+".json"))
	err := private.MkdirAll(c.State)
	if err == nil && n.curve == nil {
		n.curve, err = private.CurveKey(filepath.Join(c.State, "curve.seed"))
	}
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	all, err := c.Functions()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range all {
		if err := f.Check(); err != nil {
			return nil, err
		}
		names = append(names, f.Name)
	}
	n.schema, err = spec.Schema(names)
	return n, err
}

// Run registers with a node and runs what the node starts, until ctx is done or the node is gone. Then it drains all
// workloads and returns nil when nothing runs any more. It returns an error if it could not register.
func (n *Nexlet) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	if n.cfg.Parent != nil {
		parent := n.cfg.Parent()
		watching.Go(func() {
			defer cancel()
			n.watchParent(ctx, parent)
		})
	}
	defer n.haltAll()
	for {
		reg, err := n.register(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if err := n.session(ctx, reg); !errors.Is(err, errNodeLost) {
			return err
		}
		n.log.Warn("the node is gone; looking for another", "node", reg.Node)
	}
}

// watchParent returns when the parent process has changed, because the node is gone, or when ctx is done.
func (n *Nexlet) watchParent(ctx context.Context, parent int) {
	for backoff.Sleep(ctx, n.cfg.Watch) == nil {
		if n.cfg.Parent() != parent {
			n.log.Warn("the node that started this nexlet is gone")
			return
		}
	}
}

// publish publishes on Nex's NATS. Without a connection the message is lost.
func (n *Nexlet) publish(subject string, data []byte) {
	n.mu.Lock()
	nc := n.nc
	n.mu.Unlock()
	if nc == nil {
		return
	}
	if err := nc.Publish(subject, data); err != nil {
		n.log.Debug("not published", "subject", subject, "err", err)
	}
}

// feedOwner returns the owner under which the logs and events of a namespace's workloads are published.
func (n *Nexlet) feedOwner(namespace string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.mayPublish(wire.Logs(namespace, "workload", "stdout")) {
		return namespace
	}
	return n.reg.Agent
}

// save writes the state file. The caller holds mu.
func (n *Nexlet) save() error {
	now := n.reg
	now.Workloads = make(map[string]json.RawMessage, len(n.workloads))
	for id, w := range n.workloads {
		now.Workloads[id] = w.body
	}
	return n.file.save(now)
}

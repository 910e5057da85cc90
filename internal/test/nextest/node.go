package nextest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/nats-io/nkeys"
	"github.com/nats-io/nuid"

	"natster/workloads/nexlet/wire"
)

// Config says what node to start. Only URL is required.
type Config struct {
	URL   string
	Creds []byte // of the node itself; may be empty

	Name, Nexus string // "natster-1" and "natster" if empty
	Tags        wire.Tags
	Key         nkeys.KeyPair // of type server; a new one if nil. The same key is the same node after a restart
	State       *State        // keeps workloads over restarts of the node; nil: nothing does
	Remote      bool          // agents may register remotely
	Agents      []Agent       // local agents, started with the node
	Restarts    int           // of an agent that ends; 3 if 0
	Mint        Minter        // nil: agents and workloads are given server addresses only
	AuctionTTL  time.Duration // 10 s if 0
	Times       Times
}

// Times are how long a node waits. The zero value is Nex's; tests shorten what they would have to wait for.
type Times struct {
	Scatter   time.Duration // for replies of agents: 2 s
	Start     time.Duration // for an agent to answer a start: 60 s
	Get       time.Duration // for an agent to answer with a workload: 3 s
	Look      time.Duration // between looks at the agents' health: 5 s
	Degraded  time.Duration // silence after which an agent is degraded: 10 s
	Offline   time.Duration // and offline: 30 s
	Heartbeat time.Duration // between the node's own heartbeats: 10 s
}

func (t Times) withDefaults() Times {
	return Times{
		Scatter:   cmp.Or(t.Scatter, 2*time.Second),
		Start:     cmp.Or(t.Start, time.Minute),
		Get:       cmp.Or(t.Get, 3*time.Second),
		Look:      cmp.Or(t.Look, 5*time.Second),
		Degraded:  cmp.Or(t.Degraded, 10*time.Second),
		Offline:   cmp.Or(t.Offline, 30*time.Second),
		Heartbeat: cmp.Or(t.Heartbeat, 10*time.Second),
	}
}

// State is a node's key-value bucket: deploy bodies under `<type>_<workload>`.
type State struct {
	mu     sync.Mutex
	bodies map[string]json.RawMessage
}

// Stored is a copy of what is in it.
func (s *State) Stored() map[string]json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.bodies)
}

// put keeps a deploy body, unless it is larger than a value may be: that is only a warning in the node's log.
func (s *State) put(kind, id string, body json.RawMessage) {
	if s == nil || len(body) > wire.MaxStored {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bodies == nil {
		s.bodies = make(map[string]json.RawMessage)
	}
	s.bodies[kind+"_"+id] = body
}

func (s *State) remove(kind, id string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.bodies, kind+"_"+id)
}

// of finds by prefix, as Nex does: type "fn" is given those of "fn2", too, under odd ids.
func (s *State) of(kind string) map[string]json.RawMessage {
	found := make(map[string]json.RawMessage)
	for k, v := range s.Stored() {
		if rest, ok := strings.CutPrefix(k, kind); ok {
			found[strings.TrimPrefix(rest, "_")] = v
		}
	}
	return found
}

// A Node is a running node.
type Node struct {
	ID, XKey string
	Started  time.Time

	cfg     Config
	t       testing.TB
	nc      *nats.Conn
	ids     *nuid.NUID
	service micro.Service
	quit    chan struct{}
	ending  sync.Once
	loops   sync.WaitGroup

	mu       sync.Mutex
	state    string
	tags     wire.Tags
	bids     map[string]time.Time // until when
	agents   map[string]*agent
	children []*Child
}

// Start starts a node that ends with the test, and returns when its children have been started; whether they have
// registered it does not know.
func Start(t testing.TB, c Config) *Node {
	t.Helper()
	c.Name, c.Nexus = cmp.Or(c.Name, "natster-1"), cmp.Or(c.Nexus, "natster")
	c.Restarts = cmp.Or(c.Restarts, 3)
	c.AuctionTTL = cmp.Or(c.AuctionTTL, 10*time.Second)
	c.Times = c.Times.withDefaults()
	if c.Mint == nil {
		c.Mint = urlOnly{c.URL}
	}
	n := &Node{
		cfg: c, t: t, Started: time.Now(), ids: nuid.New(), quit: make(chan struct{}), state: "running",
		bids: make(map[string]time.Time), agents: make(map[string]*agent),
		tags: wire.Tags{
			"nex.arch": runtime.GOARCH, "nex.os": runtime.GOOS, "nex.cpucount": strconv.Itoa(runtime.NumCPU()),
			wire.TagLameduck: "false", wire.TagNexus: c.Nexus, wire.TagNode: c.Name,
		},
	}
	maps.Copy(n.tags, c.Tags)
	n.ID, n.XKey = n.keys()
	options := []nats.Option{nats.Name("nexnode"), nats.MaxReconnects(-1), nats.ReconnectWait(10 * time.Millisecond)}
	if len(c.Creds) > 0 {
		options = append(options, nats.UserCredentialBytes(c.Creds))
	}
	var err error
	if n.nc, err = nats.Connect(c.URL, options...); err != nil {
		t.Fatalf("node %s: %v", c.Name, err)
	}
	if err := n.serve(); err != nil {
		t.Fatalf("node %s: %v", c.Name, err)
	}
	n.loops.Go(n.look)
	n.loops.Go(n.beat)
	for _, a := range c.Agents {
		n.adoptChild(a)
	}
	n.event(n.ID, wire.NodeStarted, wire.NodeStartedEvent{
		Kind: wire.NodeStartedKind, ID: n.ID, Name: c.Name, Nexus: c.Nexus, Tags: n.Tags(),
	})
	t.Cleanup(func() {
		n.Stop()
		for _, c := range n.children {
			c.Kill() // an orphan, or one that does not end when asked to
			<-c.done
		}
	})
	return n
}

// Conn is the node's connection, for whoever has to find out about it.
func (n *Node) Conn() *nats.Conn { return n.nc }

// Tags are the node's tags now.
func (n *Node) Tags() wire.Tags {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.tags)
}

// Stop ends the node in order, as SIGINT does: its children are interrupted, and not waited for.
func (n *Node) Stop() { n.end(true) }

// Kill ends the node on the spot, as SIGTERM and SIGKILL do: its children live on without a parent.
func (n *Node) Kill() { n.end(false) }

func (n *Node) end(orderly bool) {
	n.ending.Do(func() {
		close(n.quit)
		n.mu.Lock()
		n.state = "stopping"
		children := n.children
		n.mu.Unlock()
		if orderly {
			n.event(n.ID, wire.NodeStopped, map[string]string{"id": n.ID})
			for _, c := range children {
				c.interrupt()
			}
		} else {
			for _, c := range children {
				c.orphan()
			}
		}
		n.nc.Close()
		n.loops.Wait()
	})
}

// Child is a local agent of the node, by its place in Config.Agents.
func (n *Node) Child(i int) *Child { return n.children[i] }

func (n *Node) beat() {
	tick := time.NewTicker(n.cfg.Times.Heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-n.quit:
			return
		case <-tick.C:
			n.publish(wire.NodeHeartbeat(n.ID), wire.NodeHeartbeatBody{Registrations: n.registrations()})
		}
	}
}

func (n *Node) event(owner, kind string, body any) { n.publish(wire.Events(owner, kind), body) }

func (n *Node) publish(subject string, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		n.t.Errorf("node: %v", err)
		return
	}
	if err := n.nc.Publish(subject, text); err == nil {
		_ = n.nc.FlushTimeout(time.Second) // a closed connection has nothing to flush
	}
}

func (n *Node) keys() (public, xkey string) {
	n.t.Helper()
	key := n.cfg.Key
	var err error
	if key == nil {
		if key, err = nkeys.CreateServer(); err != nil {
			n.t.Fatal(err)
		}
	}
	if public, err = key.PublicKey(); err != nil {
		n.t.Fatal(err)
	}
	curve, err := nkeys.CreateCurveKeys()
	if err != nil {
		n.t.Fatal(err)
	}
	if xkey, err = curve.PublicKey(); err != nil {
		n.t.Fatal(err)
	}
	return public, xkey
}

// Healthy waits until the node takes an agent of the type for healthy, and so would bid.
func (n *Node) Healthy(ctx context.Context, kind string) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if n.healthy(kind) != nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no healthy agent of type %s: %w", kind, ctx.Err())
		case <-tick.C:
		}
	}
}

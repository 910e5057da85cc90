package clustertest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/deploy/accounts"
	"natster/functions"
	"natster/internal/jet"
	"natster/internal/test/wait"
)

// A Cluster is servers of one operator.
type Cluster struct {
	Keeper *accounts.Operator
	Admin  *nats.Conn // of the account that owns JetStream, with every right
	JS     jetstream.JetStream

	t       testing.TB
	servers []*server.Server
	creds   map[string]accounts.Creds // of the functions that were granted
}

// Start starts so many servers, and returns when they have a leader. They end with the test.
func Start(t testing.TB, size int) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	keys := filepath.Join(t.TempDir(), "keys")
	c.must(accounts.Bootstrap(t.Context(), keys, functions.Limits{}))
	offline, err := accounts.Open(keys, functions.Limits{}, nil)
	c.must(err)
	ports := freePorts(t, size)
	var routes []*url.URL
	for _, p := range ports {
		routes = append(routes, &url.URL{Scheme: "nats-route", Host: "127.0.0.1:" + strconv.Itoa(p)})
	}
	for i, port := range ports {
		c.servers = append(c.servers, c.start(offline, i, port, routes))
	}
	c.waitForLeader(size)
	c.Keeper = offline.Telling(func(_ context.Context, creds accounts.Creds, o ...nats.Option) (*nats.Conn, error) {
		return c.Connect(creds, o...)
	})
	creds, err := c.Keeper.Admin(t.Context())
	c.must(err)
	c.Admin, err = c.Connect(creds)
	c.must(err)
	t.Cleanup(c.Admin.Close)
	c.JS, err = jetstream.New(c.Admin)
	c.must(err)
	return c
}

func (c *Cluster) start(op *accounts.Operator, i, port int, routes []*url.URL) *server.Server {
	c.t.Helper()
	dir := c.t.TempDir()
	resolver := filepath.Join(dir, "resolver")
	c.must(os.MkdirAll(resolver, 0o700))
	known, _, err := op.Accounts()
	c.must(err)
	for _, a := range known {
		c.must(os.WriteFile(filepath.Join(resolver, a.Account.String()+".jwt"), []byte(a.JWT), 0o600))
	}
	accountResolver, err := server.NewDirAccResolver(resolver, 0, 0, server.NoDelete)
	c.must(err)
	s, err := server.NewServer(&server.Options{
		ServerName: fmt.Sprintf("natster-%d", i+1), Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true,
		NoSigs:           true,
		TrustedOperators: []*jwt.OperatorClaims{op.Claims()}, SystemAccount: op.WellKnown().System.String(),
		AccountResolver: accountResolver,
		JetStream:       true, StoreDir: dir, SyncAlways: true,
		Cluster: server.ClusterOpts{Name: "natster", Host: "127.0.0.1", Port: port, NoAdvertise: true},
		Routes:  routes,
	})
	c.must(err)
	s.Start()
	c.t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(wait.Patience) {
		c.t.Fatal("a server of the cluster does not start")
	}
	return s
}

// URLs are where clients connect: all servers.
func (c *Cluster) URLs() string {
	var all []string
	for _, s := range c.servers {
		all = append(all, s.ClientURL())
	}
	return strings.Join(all, ",")
}

// Connect connects to whichever server is there, and reconnects to another when it dies.
func (c *Cluster) Connect(creds []byte, options ...nats.Option) (*nats.Conn, error) {
	all := []nats.Option{nats.UserCredentialBytes(creds), nats.MaxReconnects(-1),
		nats.ReconnectWait(20 * time.Millisecond)}
	return nats.Connect(c.URLs(), append(all, options...)...)
}

// ConnectTo connects to server i, and to no other.
func (c *Cluster) ConnectTo(i int, creds []byte, options ...nats.Option) (*nats.Conn, error) {
	return nats.Connect(c.servers[i].ClientURL(), append([]nats.Option{nats.UserCredentialBytes(creds)}, options...)...)
}

// Size is how many servers there were at the start.
func (c *Cluster) Size() int { return len(c.servers) }

// Enrol makes an account, known to every server when it returns.
func (c *Cluster) Enrol(name string) (accounts.Enrolment, *nats.Conn) {
	c.t.Helper()
	e, err := c.Keeper.Enrol(c.t.Context(), name)
	c.must(err)
	var nc *nats.Conn
	c.eventually(name+" can connect", func() error {
		for _, s := range c.servers {
			if !s.Running() {
				continue
			}
			one, err := nats.Connect(s.ClientURL(), nats.UserCredentialBytes(e.Creds), nats.NoReconnect())
			if err != nil {
				return err
			}
			one.Close()
		}
		nc, err = c.Connect(e.Creds)
		return err
	})
	c.t.Cleanup(nc.Close)
	return e, nc
}

// Grant provisions the functions with as many replicas as there are servers, and writes their credentials to dir.
func (c *Cluster) Grant(dir string, fns ...functions.Function) {
	c.t.Helper()
	c.eventually("the streams are made", func() error {
		return functions.Provision(c.t.Context(), c.JS, len(c.servers), fns...)
	})
	var err error
	c.creds, err = c.Keeper.Functions(c.t.Context(), fns)
	c.must(err)
	for name, text := range c.creds {
		c.must(os.WriteFile(filepath.Join(dir, name+".creds"), text, 0o600))
	}
}

// Run runs the functions, connected to server i alone, until the test ends or the returned function is called, which
// cuts them off as if their process had been killed. It returns when all are ready. They have been granted.
func (c *Cluster) Run(i int, fns ...functions.Function) (kill func()) {
	c.t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(c.t.Context()))
	var mu sync.Mutex
	var conns []*nats.Conn
	var running sync.WaitGroup
	ready := make(chan struct{}, len(fns))
	for _, f := range fns {
		connect := func(_ context.Context, options ...nats.Option) (*nats.Conn, error) {
			nc, err := c.ConnectTo(i, c.creds[f.Name], append(options, nats.NoReconnect())...)
			if err == nil {
				mu.Lock()
				conns = append(conns, nc)
				mu.Unlock()
			}
			return nc, err
		}
		running.Go(func() {
			c.eventually(f.Name+" runs", func() error { // what was provisioned has to be led by somebody
				err := functions.Serve(ctx, f, functions.Config{}, connect,
					func(*functions.Runner) { ready <- struct{}{} })
				if errors.Is(err, nats.ErrConnectionClosed) || ctx.Err() != nil {
					return nil // killed
				}
				return err
			})
		})
	}
	for range fns {
		wait.Receive(c.t, "the functions are ready", ready)
	}
	kill = sync.OnceFunc(func() {
		mu.Lock()
		for _, nc := range conns {
			nc.Close()
		}
		mu.Unlock()
		stop()
		running.Wait()
	})
	c.t.Cleanup(kill)
	return kill
}

// Lead makes server i lead every stream and every consumer.
func (c *Cluster) Lead(i int) {
	c.t.Helper()
	for _, name := range c.list("the streams", func() lister { return c.JS.StreamNames(c.t.Context()) }) {
		c.LeadStream(i, name)
	}
}

// LeadStream makes server i lead the stream and its consumers.
func (c *Cluster) LeadStream(i int, stream string) {
	c.t.Helper()
	ctx := c.t.Context()
	s := wait.For(c.t, stream+" is found", func() (jetstream.Stream, error) { return c.JS.Stream(ctx, stream) })
	c.lead(i, "STREAM.LEADER.STEPDOWN."+stream, func() (*jetstream.ClusterInfo, error) {
		info, err := s.Info(ctx)
		if err != nil {
			return nil, err
		}
		return info.Cluster, nil
	})
	for _, name := range c.list("the consumers", func() lister { return s.ConsumerNames(ctx) }) {
		c.lead(i, "CONSUMER.LEADER.STEPDOWN."+stream+"."+name, func() (*jetstream.ClusterInfo, error) {
			o, err := s.Consumer(ctx, name)
			if err != nil {
				return nil, err
			}
			return o.CachedInfo().Cluster, nil
		})
	}
}

// lead asks, until server i leads, whoever does to step down.
func (c *Cluster) lead(i int, request string, now func() (*jetstream.ClusterInfo, error)) {
	c.t.Helper()
	leader := c.servers[i].Name()
	ask := fmt.Appendf(nil, `{"placement":{"preferred":%q}}`, leader)
	c.eventually(leader+" leads: "+request, func() error {
		info, err := now()
		if err != nil || info.Leader == leader {
			return err
		}
		m, err := c.Admin.Request(jet.Own.Subject(request), ask, time.Second)
		if err != nil {
			return err
		}
		return fmt.Errorf("it is led by %q; %s", info.Leader, m.Data)
	})
}

type lister interface {
	Name() <-chan string
	Err() error
}

// list repeats a listing until it is whole: while leaders change, it may not be answered.
func (c *Cluster) list(what string, begin func() lister) []string {
	c.t.Helper()
	return wait.For(c.t, what+" are listed", func() (names []string, err error) {
		l := begin()
		for name := range l.Name() {
			names = append(names, name)
		}
		return names, l.Err()
	})
}

// Kill ends a server on the spot.
func (c *Cluster) Kill(i int) {
	c.t.Helper()
	c.servers[i].Shutdown()
	c.servers[i].WaitForShutdown()
}

// LeaderOf is the server that leads a stream.
func (c *Cluster) LeaderOf(stream string) int {
	c.t.Helper()
	leader := -1
	c.eventually("stream "+stream+" has a leader", func() error {
		s, err := c.JS.Stream(c.t.Context(), stream)
		if err != nil {
			return err
		}
		info, err := s.Info(c.t.Context())
		if err != nil {
			return err
		}
		for i, s := range c.servers {
			if s.Running() && info.Cluster != nil && s.Name() == info.Cluster.Leader {
				leader = i
				return nil
			}
		}
		return errors.New("none leads")
	})
	return leader
}

func (c *Cluster) waitForLeader(size int) {
	c.t.Helper()
	c.eventually("the cluster has a leader", func() error {
		for _, s := range c.servers {
			if s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == size {
				return nil
			}
		}
		return errors.New("no leader yet")
	})
}

// eventually repeats what a cluster can do only once it has found together.
func (c *Cluster) eventually(what string, do func() error) {
	c.t.Helper()
	wait.For(c.t, what, func() (any, error) { return nil, do() })
}

func (c *Cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// freePorts are ports that nobody listens on; the servers have to know each other's before they start.
func freePorts(t testing.TB, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }() // all at the end, so that they differ
		address, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			t.Fatal("no address")
		}
		ports = append(ports, address.Port)
	}
	return ports
}

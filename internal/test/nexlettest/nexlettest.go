package nexlettest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"natster/deploy/accounts"
	"natster/deploy/nex"
	"natster/functions"
	"natster/internal/test/nextest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
	"natster/workloads/nexlet"
	"natster/workloads/nexlet/wire"
)

// A Stage is a world, and Nex beside it.
type Stage struct {
	*worldtest.World
	Nex      *server.Server // Nex's NATS
	URL      string         // of it
	Creds    []byte         // for it; empty where it lets everybody in
	Keys     string         // directory of the functions' credentials
	Catalogs string         // directory of directories of catalogs
	State    string         // directory of nexlets' states
	JS       jetstream.JetStream

	t         testing.TB
	functions func() []functions.Function
}

// Start starts a world in which the functions are provisioned, and run nowhere yet.
func Start(t testing.TB, fns func() []functions.Function) *Stage {
	t.Helper()
	s := &Stage{
		t: t, functions: fns, Keys: t.TempDir(), Catalogs: t.TempDir(), State: t.TempDir(),
		World: worldtest.Start(t, worldtest.Bare),
	}
	s.Nex = nextest.Server(t)
	s.URL = s.Nex.ClientURL()
	admin, err := s.Admin(t.Context())
	s.must(err)
	t.Cleanup(admin.Close)
	s.JS, err = jetstream.New(admin)
	s.must(err)
	s.must(functions.Provision(t.Context(), s.JS, 1, fns()...))
	creds, err := s.Keeper().Functions(t.Context(), fns())
	s.must(err)
	for name, text := range creds {
		s.must(os.WriteFile(filepath.Join(s.Keys, name+".creds"), text, 0o600))
	}
	return s
}

// GrantCatalog gives nexlets the credentials of an account.
func (s *Stage) GrantCatalog(a *worldtest.Account) {
	s.t.Helper()
	s.must(os.MkdirAll(filepath.Join(s.Keys, "catalogs"), 0o700))
	s.must(os.WriteFile(filepath.Join(s.Keys, "catalogs", a.Name+".creds"), a.Creds, 0o600))
}

// Config is what a nexlet of the stage is made with, but for its place. Options change it.
func (s *Stage) Config(options ...func(*nexlet.Config)) nexlet.Config {
	c := nexlet.Config{
		Functions: func() ([]functions.Function, error) { return s.functions(), nil },
		Keys:      nexlet.KeyDir(s.Keys),
		Dial: func(ctx context.Context, creds []byte, options ...nats.Option) (*nats.Conn, error) {
			options = append(options, nats.ReconnectWait(5*time.Millisecond))
			return s.Info().Connect(ctx, creds, options...)
		},
		NexCreds: s.Creds,
		Catalogs: s.Catalogs,
		State:    s.State,
		Version:  "1.2.3",
		Watch:    10 * time.Millisecond,
		Sample:   50 * time.Millisecond,
		Logger:   slog.New(slog.NewTextHandler(s.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		Pause:    func(int) time.Duration { return 20 * time.Millisecond },
	}
	for _, o := range options {
		o(&c)
	}
	return c
}

// Agent is a nexlet as a local agent of a stand-in node, in the test's process.
func (s *Stage) Agent(options ...func(*nexlet.Config)) nextest.Func {
	return func(ctx context.Context, getenv func(string) string, parent func() int) error {
		place, err := nexlet.PlaceFrom(getenv)
		if err != nil {
			return err
		}
		c := s.Config(options...)
		c.Place, c.Parent = &place, parent
		n, err := nexlet.New(c)
		if err != nil {
			s.t.Errorf("nexlet: %v", err)
			return err
		}
		if err := n.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			s.t.Logf("nexlet: %v", err)
			return err
		}
		return nil
	}
}

// Node starts a node; if c names no agents, with one nexlet, and it returns when the nexlet is healthy.
func (s *Stage) Node(c nextest.Config) *nextest.Node {
	s.t.Helper()
	c.URL, c.Creds = s.URL, s.Creds
	if c.Agents == nil {
		c.Agents = []nextest.Agent{s.Agent()}
	}
	n := nextest.Start(s.t, c)
	if len(c.Agents) > 0 {
		s.Healthy(n)
	}
	return n
}

// Healthy waits until the node's nexlet can be given work.
func (s *Stage) Healthy(n *nextest.Node) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), wait.Patience)
	defer cancel()
	s.must(n.Healthy(ctx, "natster"))
}

// Client is a control client, quick to give up waiting for more.
func (s *Stage) Client(namespace string) *nex.Client {
	s.t.Helper()
	c, err := nex.New(nex.Config{Conn: s.NexConn(), Namespace: namespace, Waits: nex.Waits{
		Quiet: 50 * time.Millisecond, Poll: 10 * time.Millisecond, Ready: wait.Patience,
	}})
	s.must(err)
	return c
}

// NexConn is a new connection to Nex's NATS; it ends with the test.
func (s *Stage) NexConn() *nats.Conn {
	s.t.Helper()
	options := []nats.Option{nats.ReconnectWait(5 * time.Millisecond)}
	if len(s.Creds) > 0 {
		options = append(options, nats.UserCredentialBytes(s.Creds))
	}
	nc, err := nats.Connect(s.URL, options...)
	s.must(err)
	s.t.Cleanup(nc.Close)
	return nc
}

// Running waits until the workload is in the state.
func (s *Stage) Running(c *nex.Client, id string, state wire.WorkloadState) wire.WorkloadSummary {
	s.t.Helper()
	return wait.For(s.t, fmt.Sprintf("workload %s is %s", id, state), func() (w wire.WorkloadSummary, err error) {
		found, err := c.List(s.t.Context(), id)
		if err == nil && len(found) == 1 && found[0].State == state {
			return found[0], nil
		}
		return w, errors.Join(err, fmt.Errorf("found %+v", found))
	})
}

// Stop stops the workload with that id.
func (s *Stage) Stop(c *nex.Client, id string) {
	s.t.Helper()
	if steps, err := c.Down(s.t.Context(), []string{id}, nex.Options{}); err != nil || len(steps) != 1 {
		s.t.Fatalf("stop workload %s: %+v, %v", id, steps, err)
	}
}

// Definition returns what the workload was deployed with, as the stock CLI asks for it to clone a workload.
func (s *Stage) Definition(namespace, id string) (d wire.StartWorkloadRequest) {
	s.t.Helper()
	key, err := s.Curve().PublicKey()
	s.must(err)
	q, err := json.Marshal(wire.CloneWorkloadRequest{Namespace: namespace, NewTargetXKey: key})
	s.must(err)
	m, err := s.NexConn().Request(wire.Clone(namespace, id), q, wait.Patience)
	s.must(err)
	s.must(json.Unmarshal(m.Data, &d))
	return d
}

// Curve is a new curve key.
func (s *Stage) Curve() nkeys.KeyPair {
	s.t.Helper()
	k, err := nkeys.CreateCurveKeys()
	s.must(err)
	return k
}

func (s *Stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// RestartNex stops Nex's NATS and starts it again, at its address.
func (s *Stage) RestartNex() {
	s.t.Helper()
	s.Nex = nextest.Restart(s.t, s.Nex)
}

// TakeKey takes the credentials of a function away from the nexlets.
func (s *Stage) TakeKey(function string) []byte {
	s.t.Helper()
	path := filepath.Join(s.Keys, function+".creds")
	creds, err := os.ReadFile(path)
	s.must(err)
	s.must(os.Remove(path))
	return creds
}

// Spoil makes the credentials of a function such that Natster's NATS refuses them.
func (s *Stage) Spoil(function string) {
	s.t.Helper()
	bad, err := s.Keeper().User(s.t.Context(), s.Accounts().Hub, "nobody", accounts.Permissions{})
	s.must(err)
	s.must(os.WriteFile(filepath.Join(s.Keys, function+".creds"), bad, 0o600))
}

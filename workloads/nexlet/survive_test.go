package nexlet_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	"natster/internal/test/nexlettest"
	"natster/internal/test/nextest"
	"natster/internal/test/wait"
	"natster/workloads/nexlet"
	"natster/workloads/nexlet/wire"
)

// quick is a node that notices soon who has fallen silent.
var quick = nextest.Times{Look: 20 * time.Millisecond, Degraded: 4 * time.Second, Offline: 8 * time.Second}

func TestAKilledNexletTakesUpItsOldIDAndItsWorkloads(t *testing.T) {
	t.Run("where everybody is let in", func(t *testing.T) {
		s := nexlettest.Start(t, echoing(echo))
		killed(t, s, nil)
	})
	t.Run("where the node mints credentials", func(t *testing.T) {
		s := nexlettest.Start(t, echoing(echo))
		server, account := nextest.SecureServer(t)
		s.Nex, s.URL, s.Creds = server, account.URL, account.Creds
		killed(t, s, nextest.SigningKey{T: t, URL: account.URL, Key: account.Key, Account: account.Public})
	})
}

func killed(t *testing.T, s *nexlettest.Stage, mint nextest.Minter) {
	t.Helper()
	node := s.Node(nextest.Config{Times: quick, Mint: mint, Agents: []nextest.Agent{
		nextest.Program(func() *exec.Cmd { return program(processEnv(s)) }),
	}})
	c := s.Client("shares")
	d := deploy(t, c, "prober")
	s.Running(c, d.ID, wire.Running)
	answered(t, s.Account("alice"))

	owner := "shares"
	if mint != nil {
		owner = node.Child(0).ID
	}
	events := feedOf(t, s, owner)
	node.Child(0).Kill()
	events.wait("WORKLOADSTARTED", func(body map[string]any) bool {
		meta, _ := body["metadata"].(map[string]any)
		return body["id"] == d.ID && meta["existing"] == "true"
	})
	s.Running(c, d.ID, wire.Running)
	answered(t, s.Account("alice"))
	if node.Child(0).Starts() != 2 {
		t.Errorf("started %d times", node.Child(0).Starts())
	}
	nodes, err := c.Nodes(t.Context(), nil)
	if err != nil || len(nodes) != 1 || len(nodes[0].Agents) != 1 || nodes[0].Agents[0].Health != "healthy" {
		t.Errorf("no ghost was to be left: %+v, %v", nodes, err)
	}
	s.Stop(c, d.ID)
}

func TestTheStateFileIsForItsOwnerOnly(t *testing.T) {
	s := nexlettest.Start(t, echoing(echo))
	s.Node(nextest.Config{})
	deploy(t, s.Client("shares"), "prober")
	files, err := os.ReadDir(s.State)
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestANodeThatRestartsBringsItsWorkloadsBack(t *testing.T) {
	s := nexlettest.Start(t, echoing(echo))
	key, err := nkeys.CreateServer()
	if err != nil {
		t.Fatal(err)
	}
	state := &nextest.State{}
	first := s.Node(nextest.Config{Key: key, State: state})
	c := s.Client("shares")
	d := deploy(t, c, "prober")
	s.Running(c, d.ID, wire.Running)
	first.Stop()
	<-first.Child(0).Done()

	s.Node(nextest.Config{Key: key, State: state})
	s.Running(c, d.ID, wire.Running)
	answered(t, s.Account("alice"))
	s.Stop(c, d.ID)
	if left := state.Stored(); len(left) != 0 {
		t.Errorf("the node still stores %v", left)
	}
}

func TestWhatCannotBeRestoredCanBeSeenAndStopped(t *testing.T) {
	s := nexlettest.Start(t, echoing(echo))
	key, err := nkeys.CreateServer()
	if err != nil {
		t.Fatal(err)
	}
	state := &nextest.State{}
	first := s.Node(nextest.Config{Key: key, State: state})
	c := s.Client("shares")
	d := deploy(t, c, "other")
	s.Running(c, d.ID, wire.Running)
	first.Stop()
	<-first.Child(0).Done()
	if err := os.Remove(s.Keys + "/other.creds"); err != nil {
		t.Fatal(err)
	}

	s.Node(nextest.Config{Key: key, State: state})
	w := s.Running(c, d.ID, wire.Failed)
	if !strings.Contains(w.Metadata["error"], "no credentials for function other") {
		t.Errorf("it says %q", w.Metadata["error"])
	}
	s.Stop(c, d.ID)
	if len(state.Stored()) != 0 {
		t.Error("it would come back")
	}
}

func TestANexletEndsWithItsNode(t *testing.T) {
	s := nexlettest.Start(t, echoing(echo))
	node := s.Node(nextest.Config{})
	node.Kill()
	wait.Receive(t, "the nexlet ends with its node", node.Child(0).Done())
}

func TestANexletThatNeverRegisteredEndsWithItsNode(t *testing.T) {
	s := nexlettest.Start(t, echoing(echo))
	var looks atomic.Int64
	c := s.Config()
	c.Place = &nexlet.Place{
		Node:       "NODE",
		Agent:      "agent",
		Connection: wire.ConnectionData{Servers: []string{"nats://127.0.0.1:1"}},
	}
	c.Parent = func() int { // another from the fifth look on
		if looks.Add(1) < 5 {
			return 4711
		}
		return 1
	}
	n, err := nexlet.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- n.Run(t.Context()) }()
	if err := wait.Receive(t, "the nexlet ends with its node", ended); err != nil {
		t.Error(err)
	}
}

func TestAProcessWhoseParentIsKilledEnds(t *testing.T) {
	s := nexlettest.Start(t, echoing(echo))
	node := s.Node(nextest.Config{Agents: []nextest.Agent{}})
	parent := program(append(processEnv(s),
		"NEX_AGENT_NATS_SERVERS="+s.URL, "NEX_AGENT_NODE_ID="+node.ID, "NEX_AGENT_ASSIGNED_ID=orphan"))
	parent.Env[len(parent.Env)-1] = "NEXLET_TEST_AS=parent"
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	s.Healthy(node) // the nexlet runs, and watches its parent
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, out) // until nobody has the pipe's other end, the nexlet included
	}()
	wait.Receive(t, "the nexlet ends", ended)
	_ = parent.Wait() // it was killed
}

func TestARemoteNexletRegistersAgainWhereverThereIsANode(t *testing.T) {
	s := nexlettest.Start(t, echoing(echo))
	first := s.Node(nextest.Config{Remote: true, Agents: []nextest.Agent{}})
	n, err := nexlet.New(s.Config(func(c *nexlet.Config) {
		c.Remote = &nexlet.Remote{Nexus: "natster", Connection: wire.ConnectionData{Servers: []string{s.URL}}}
		c.Silence = 500 * time.Millisecond
	}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	s.Healthy(first)
	c := s.Client("shares")
	d := deploy(t, c, "prober")
	s.Running(c, d.ID, wire.Running)
	first.Kill()

	second := s.Node(
		nextest.Config{
			Name:   "natster-2",
			Remote: true,
			Agents: []nextest.Agent{},
			Times:  nextest.Times{Heartbeat: 100 * time.Millisecond},
		},
	)
	s.Healthy(second)
	w := s.Running(c, d.ID, wire.Running) // it ran on, under its id
	if w.Metadata["node"] != second.ID {
		t.Errorf("it is on %s", w.Metadata["node"])
	}
	answered(t, s.Account("alice"))
}

// logged receives each line of a log.
type logged chan string

func (l logged) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

func TestARemoteNexletNoticesThatItsNodeHasForgottenIt(t *testing.T) {
	s := nexlettest.Start(t, echoing(echo))
	node := s.Node(nextest.Config{Remote: true, Agents: []nextest.Agent{}})
	log := make(logged, 1000)
	n, err := nexlet.New(s.Config(func(c *nexlet.Config) {
		c.Remote = &nexlet.Remote{Nexus: "natster", Connection: wire.ConnectionData{Servers: []string{s.URL}}}
		c.Logger = slog.New(slog.NewTextHandler(log, nil))
	}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	s.Healthy(node)
	// The node's own heartbeat lists the nexlet; that of a node that was restarted does not.
	if err := s.NexConn().Publish(wire.NodeHeartbeat(node.ID), []byte(`{"registrations":""}`)); err != nil {
		t.Fatal(err)
	}
	wait.First(t, "the nexlet looks for a node", log, func(line string) bool {
		return strings.Contains(line, "looking for another")
	})
	cancel()
	if err := wait.Receive(t, "the nexlet ends", ended); err != nil {
		t.Error(err)
	}
}

func TestANexletThatWasRemoteTakesUpItsOldIDAfterACrash(t *testing.T) {
	s := nexlettest.Start(t, echoing(echo))
	node := s.Node(
		nextest.Config{
			Remote: true,
			Agents: []nextest.Agent{},
			Times:  nextest.Times{Heartbeat: 100 * time.Millisecond},
		},
	)
	remote := func(c *nexlet.Config) {
		c.Remote = &nexlet.Remote{Nexus: "natster", Connection: wire.ConnectionData{Servers: []string{s.URL}}}
	}
	run := func() (stop func()) {
		n, err := nexlet.New(s.Config(remote))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- n.Run(ctx) }()
		return func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	stop := run()
	s.Healthy(node)
	c := s.Client("shares")
	d := deploy(t, c, "prober")
	s.Running(c, d.ID, wire.Running)
	stop()
	stop = run()
	defer stop()
	s.Running(c, d.ID, wire.Running)
	nodes, err := c.Nodes(t.Context(), nil)
	if err != nil || len(nodes[0].Agents) != 1 {
		t.Errorf("a ghost is left: %+v, %v", nodes, err)
	}
}

func TestNexsNATSMayRestart(t *testing.T) {
	s := nexlettest.Start(t, echoing(echo))
	node := s.Node(nextest.Config{Times: quick})
	c := s.Client("shares")
	d := deploy(t, c, "prober")
	s.Running(c, d.ID, wire.Running)
	s.RestartNex()
	s.Healthy(node)
	s.Running(c, d.ID, wire.Running)
	answered(t, s.Account("alice"))
}

func TestTheWorldMayRestart(t *testing.T) {
	s := nexlettest.Start(t, echoing(echo))
	s.Node(nextest.Config{})
	c := s.Client("shares")
	d := deploy(t, c, "prober")
	s.Running(c, d.ID, wire.Running)
	answered(t, s.Account("alice"))
	s.Restart(t)
	answered(t, s.Account("alice"))
	s.Running(c, d.ID, wire.Running)
}

func TestLameduckTakesNoMoreWorkAndFinishesWhatRuns(t *testing.T) {
	s := nexlettest.Start(t, echoing(echo))
	node := s.Node(nextest.Config{})
	c := s.Client("shares")
	d := deploy(t, c, "prober")
	s.Running(c, d.ID, wire.Running)
	if err := c.Lameduck(t.Context(), node.ID, 2*time.Second); err != nil {
		t.Fatal(err)
	}
	answered(t, s.Account("alice")) // still
	if bids, err := c.Auction(t.Context(), nil, 0); err != nil || len(bids) != 0 {
		t.Errorf("bids: %v, %v", bids, err)
	}
	wait.Receive(t, "the nexlet ends with its node", node.Child(0).Done())
}

// A feedLog is what came on a feed.
type feedLog struct {
	t    *testing.T
	came chan feedEvent
}

type feedEvent struct {
	kind string
	body map[string]any
}

func feedOf(t *testing.T, s *nexlettest.Stage, owner string) *feedLog {
	t.Helper()
	f := &feedLog{t, make(chan feedEvent, 10_000)}
	nc := s.NexConn()
	sub, err := nc.Subscribe(wire.Events(owner, "*"), natsHandler(func(subject string, data []byte) {
		var body map[string]any
		if err := json.Unmarshal(data, &body); err != nil {
			t.Errorf("%s: %v", subject, err)
		}
		f.came <- feedEvent{wire.Last(subject), body}
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sub.Unsubscribe() })
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return f
}

// wait waits for an event; those before it are passed over.
func (f *feedLog) wait(kind string, right func(map[string]any) bool) map[string]any {
	f.t.Helper()
	return wait.First(f.t, kind, f.came, func(e feedEvent) bool { return e.kind == kind && right(e.body) }).body
}

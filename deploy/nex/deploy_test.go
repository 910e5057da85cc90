package nex_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/deploy/nex"
	"natster/internal/test/nexlettest"
	"natster/internal/test/nextest"
	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

func request(function string) nex.Request {
	return nex.Request{Name: function, Start: spec.Start{Function: function}}
}

func TestADeployThatCannotBeSaysWhyAndLeavesNothing(t *testing.T) {
	s := nexlettest.Start(t, echoing)
	c := s.Client("")
	fails := func(name string, r nex.Request, kind error, text string) {
		t.Helper()
		_, err := c.Deploy(t.Context(), r)
		if !errors.Is(err, kind) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	fails("no node", request("prober"), nex.ErrNoNode, "nex --config nex.json node up")
	if _, err := c.List(t.Context()); !errors.Is(err, nex.ErrNoNode) {
		t.Errorf("list: %v", err)
	}
	if _, err := c.Down(t.Context(), []string{"nosuch"}, nex.Options{}); !errors.Is(err, nex.ErrNoNode) {
		t.Errorf("stop: %v", err)
	}
	if err := c.Lameduck(t.Context(), "nosuch", time.Second); !errors.Is(err, nex.ErrNoNode) {
		t.Errorf("lameduck: %v", err)
	}

	bare := s.Node(nextest.Config{Name: "bare", Agents: []nextest.Agent{}})
	fails("a node without agents", request("prober"), nex.ErrNoBid, "node bare: it has no agent of type natster")
	bare.Stop()

	state := &nextest.State{}
	s.Node(nextest.Config{State: state})
	fails("an unknown function", request("nosuch"), nex.ErrSchema, "function")
	fails(
		"both",
		nex.Request{Name: "x", Start: spec.Start{Function: "prober", Catalog: &spec.Catalog{Name: "a", Dir: "b"}}},
		spec.ErrStart,
		"a function and a catalog",
	)
	fails("neither", nex.Request{Name: "x"}, spec.ErrStart, "neither")
	long := request("prober")
	long.Description = strings.Repeat("long ", 3000)
	fails("too large", long, nex.ErrTooLarge, "stores 10000")
	secret := request("prober")
	secret.Environment = map[string]string{"A": strings.Repeat("x", 9000)}
	fails("too large when sealed", secret, nex.ErrTooLarge, "stores 10000")
	s.TakeKey("other")
	fails("refused by the nexlet", request("other"), nex.ErrRefused, "no credentials for function other")
	fails(
		"tags that no node has",
		nex.Request{Name: "x", Start: spec.Start{Function: "prober"}, Tags: wire.Tags{"gpu": "yes"}},
		nex.ErrNoBid,
		`its tag gpu is "", not "yes"`,
	)
	if left, err := c.List(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("half deployed: %v, %v", left, err)
	}
	if len(state.Stored()) != 0 {
		t.Errorf("the node would bring back %v", state.Stored())
	}
	if _, err := c.Down(t.Context(), []string{"nosuch"}, nex.Options{}); !errors.Is(err, nex.ErrNotFound) {
		t.Errorf("stop: %v", err)
	}
}

func TestOfTwoBidsThatOfADeadNodeIsPassedOver(t *testing.T) {
	s := nexlettest.Start(t, echoing)
	// The first to bid dies before it can be asked to deploy.
	impostor := s.NexConn()
	if _, err := impostor.Subscribe(wire.Auction("*"), func(m *nats.Msg) {
		schema, err := spec.Schema([]string{"prober"})
		if err != nil {
			t.Error(err)
		}
		key, err := s.Curve().PublicKey()
		if err != nil {
			t.Error(err)
		}
		if err := respond(m, wire.AuctionResponse{
			BidderID: "dead", XKey: key,
			SupportedLifecycles: []wire.Lifecycle{wire.Function}, StartRequestSchema: schema,
		}); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := impostor.Flush(); err != nil {
		t.Fatal(err)
	}
	s.Node(nextest.Config{})
	c, err := nex.New(
		nex.Config{Conn: s.NexConn(), Waits: nex.Waits{Quiet: 100 * time.Millisecond, Deploy: 300 * time.Millisecond}},
	)
	if err != nil {
		t.Fatal(err)
	}
	const deploys = 6 // of two bids the one to be taken up first is chosen at random
	for range deploys {
		d, err := c.Deploy(t.Context(), request("prober"))
		if err != nil {
			t.Fatal(err)
		}
		s.Running(c, d.ID, wire.Running)
	}
	if all, err := c.List(t.Context()); err != nil || len(all) != deploys {
		t.Errorf("%v, %v", all, err)
	}
}

func TestWithoutAnyBidderThatLivesItIsSaid(t *testing.T) {
	s := nexlettest.Start(t, echoing)
	s.Node(
		nextest.Config{
			Agents: []nextest.Agent{
				nextest.Func(func(ctx context.Context, getenv func(string) string, _ func() int) error {
					return beMute(ctx, s, getenv("NEX_AGENT_NODE_ID"), getenv("NEX_AGENT_ASSIGNED_ID"))
				}),
			},
		},
	)
	c, err := nex.New(
		nex.Config{
			Conn: s.NexConn(),
			Waits: nex.Waits{
				Quiet:    50 * time.Millisecond,
				Complete: 200 * time.Millisecond,
				Deploy:   200 * time.Millisecond,
			},
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Deploy(t.Context(), request("prober")); !errors.Is(err, nex.ErrNoAnswer) ||
		!strings.Contains(err.Error(), "natster deploy nodes") {
		t.Errorf("%v", err)
	}
}

// beMute is an agent that registers, is healthy, and answers nothing.
func beMute(ctx context.Context, s *nexlettest.Stage, node, agent string) error {
	nc := s.NexConn()
	key, err := s.Curve().PublicKey()
	if err != nil {
		return err
	}
	schema, err := spec.Schema([]string{"prober"})
	if err != nil {
		return err
	}
	if _, err := nc.SubscribeSync(wire.Start(node, agent, "*")); err != nil {
		return err
	}
	q, err := json.Marshal(wire.RegisterAgentRequest{
		Name: "mute", Type: spec.Type, Version: "0.0.0", PublicXKey: key,
		SupportedLifecycles: []wire.Lifecycle{wire.Function}, StartRequestSchema: schema,
	})
	if err != nil {
		return err
	}
	if _, err := nc.RequestWithContext(ctx, wire.Register(node, agent), q); err != nil {
		return err
	}
	beat, err := json.Marshal(
		wire.AgentHeartbeat{Summary: wire.AgentSummary{Type: spec.Type, State: wire.AgentRunning}},
	)
	if err != nil {
		return err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := nc.Publish(wire.Heartbeat(node, agent), beat); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func TestANodesErrorHidesNothing(t *testing.T) {
	s := nexlettest.Start(t, echoing)
	s.Node(nextest.Config{Name: "one"})
	s.Node(nextest.Config{Name: "bare", Agents: []nextest.Agent{}}) // answers every list with an error
	c := s.Client("")
	d, err := c.Deploy(t.Context(), request("prober"))
	if err != nil {
		t.Fatal(err)
	}
	s.Running(c, d.ID, wire.Running)
	system := s.Client(wire.System)
	if all, err := system.List(t.Context()); err != nil || len(all) != 1 || all[0].Namespace != nex.DefaultNamespace {
		t.Errorf("%v, %v", all, err)
	}
	if steps, err := system.Down(t.Context(), nil, nex.Options{}); err != nil || len(steps) != 0 {
		t.Errorf("the administrator's own namespace is empty, and yet: %v, %v", steps, err)
	}
	if other, err := s.Client("others").List(t.Context()); err != nil || len(other) != 0 {
		t.Errorf("another namespace sees %v, %v", other, err)
	}
	if _, err := s.Client("others").Down(t.Context(), []string{d.ID}, nex.Options{}); !errors.Is(err, nex.ErrNotFound) {
		t.Errorf("another namespace stops it: %v", err)
	}
	s.Stop(c, d.ID)
}

func TestNamespacesThatCannotBe(t *testing.T) {
	if _, err := nex.New(nex.Config{Conn: &nats.Conn{}, Namespace: "a.b"}); err == nil ||
		!strings.Contains(err.Error(), "one word") {
		t.Error(err)
	}
	if _, err := nex.New(nex.Config{}); err == nil {
		t.Error("without a connection")
	}
}

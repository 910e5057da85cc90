package nexlet_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nuid"

	"natster/internal/test/nexlettest"
	"natster/internal/test/nextest"
	"natster/internal/test/wait"
	"natster/workloads/nexlet"
	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

// start sends a start straight to the nexlet, as a node would that checks nothing.
func start(
	t *testing.T,
	s *nexlettest.Stage,
	node *nextest.Node,
	body wire.StartWorkloadRequest,
) (id string, err error) {
	t.Helper()
	id = nuid.Next()
	text, err := json.Marshal(map[string]any{"request": body, "workload_creds": wire.ConnectionData{}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.NexConn().Request(wire.Start(node.ID, node.Child(0).ID, id), text, wait.Patience)
	if err != nil {
		t.Fatal(err)
	}
	return id, wire.Refusal(m)
}

func body(run string) wire.StartWorkloadRequest {
	return wire.StartWorkloadRequest{
		Namespace: "shares", Name: "prober", Type: spec.Type, Lifecycle: wire.Function,
		RunRequest: run, Tags: wire.Tags{},
	}
}

func TestWhatCannotRunIsRefusedInASentence(t *testing.T) {
	s := nexlettest.Start(t, echoing(echo))
	node := s.Node(nextest.Config{})
	bids, err := s.Client("shares").Auction(t.Context(), nil, 0)
	if err != nil || len(bids) != 1 {
		t.Fatalf("%v, %v", bids, err)
	}
	foreign, err := s.Curve().PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	sealed := func(to, workload string) string {
		env, err := spec.Seal(map[string]string{"A": "b"}, workload, to)
		if err != nil {
			t.Fatal(err)
		}
		return spec.Start{Function: "prober", Environment: env}.JSON()
	}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(filepath.Join(s.Catalogs, "films"), 0o700))
	must(os.Symlink("/etc", filepath.Join(s.Catalogs, "etc")))
	must(os.Chmod(filepath.Join(s.Keys, "other.creds"), 0o644))

	rows := []struct {
		name  string
		body  wire.StartWorkloadRequest
		wants string
	}{
		{
			"an unknown function",
			body(`{"function":"nosuch"}`),
			`no function is called "nosuch"; this nexlet has prober, other`,
		},
		{"an unknown field", body(`{"function":"prober","command":"rm"}`), `"command" is no field`},
		{"both", body(`{"function":"prober","catalog":{"name":"films","dir":"films"}}`), "a function and a catalog"},
		{"neither", body(`{}`), "neither a function nor a catalog"},
		{
			"the wrong lifecycle",
			func() wire.StartWorkloadRequest { b := body(`{"function":"prober"}`); b.Lifecycle = wire.Job; return b }(),
			`lifecycle "job"`,
		},
		{
			"no namespace",
			func() wire.StartWorkloadRequest { b := body(`{"function":"prober"}`); b.Namespace = "a.b"; return b }(),
			"one word",
		},
		{"sealed for another key", body(sealed(foreign, "prober")), "sealed for another key"},
		{"sealed for another workload", body(sealed(bids[0].XKey, "other")), "another name"},
		{"too large", func() wire.StartWorkloadRequest {
			b := body(`{"function":"prober"}`)
			b.Description = strings.Repeat("long ", 2000)
			return b
		}(), "at most 10000"},
		{"credentials that others can read", body(`{"function":"other"}`), "chmod 600"},
		{"a catalog without a directory", func() wire.StartWorkloadRequest {
			b := body(`{"catalog":{"name":"films","dir":"nosuch"}}`)
			b.Lifecycle = wire.Service
			return b
		}(), "there is none in the nexlet's directory"},
		{"a catalog that leads away", func() wire.StartWorkloadRequest {
			b := body(`{"catalog":{"name":"films","dir":"etc"}}`)
			b.Lifecycle = wire.Service
			return b
		}(), "leads out of"},
		{"a catalog of nobody known", func() wire.StartWorkloadRequest {
			b := body(`{"catalog":{"name":"films","dir":"films","as":"alice"}}`)
			b.Lifecycle = wire.Service
			return b
		}(), "no credentials for account alice"},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			id, err := start(t, s, node, r.body)
			refusal, ok := errors.AsType[*wire.Error](err)
			if !ok || refusal.Code != wire.CodeAgent || !strings.Contains(refusal.Message, r.wants) {
				t.Fatalf("%v, want %q in it", err, r.wants)
			}
			// A node that stored it all the same is told that it is stopped, once.
			stop, err := json.Marshal(wire.StopWorkloadRequest{Namespace: r.body.Namespace})
			must(err)
			for i, wants := range []bool{true, false} {
				m, err := s.NexConn().Request(wire.Stop(node.ID, id), stop, wait.Patience)
				must(err)
				var a wire.StopWorkloadResponse
				if json.Unmarshal(m.Data, &a) != nil || a.Stopped != wants || a.Type != spec.Type {
					t.Errorf("stop %d: %s", i, m.Data)
				}
			}
		})
	}
	if left, err := s.Client(wire.System).List(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("half deployed: %v, %v", left, err)
	}
}

// A node stores what was refused, and the stock CLI does not care. It must not come back when the node starts again.
func TestWhatTheStockCLIWasRefusedIsNotStored(t *testing.T) {
	s := nexlettest.Start(t, echoing(echo))
	state := &nextest.State{}
	s.Node(
		nextest.Config{
			State:  state,
			Agents: []nextest.Agent{s.Agent(func(c *nexlet.Config) { c.Beat = 20 * time.Millisecond })},
		},
	)
	bids, err := s.Client("shares").Auction(t.Context(), nil, 0)
	if err != nil || len(bids) != 1 {
		t.Fatalf("%v, %v", bids, err)
	}
	b := body(`{"function":"prober"}`)
	b.Lifecycle = wire.Service
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.NexConn().Request(wire.Deploy(b.Namespace, bids[0].BidderID), text, wait.Patience)
	if err != nil || wire.Refusal(m) == nil {
		t.Fatalf("not refused: %v", err)
	}
	kept := deploy(t, s.Client("shares"), "prober")
	wait.Eventually(t, "one workload is stored", func() bool { return len(state.Stored()) == 1 })
	for key := range state.Stored() {
		if key != spec.Type+"_"+kept.ID {
			t.Errorf("stored is %s", key)
		}
	}
}

func TestConfigsThatCannotBe(t *testing.T) {
	rows := map[string]func(*nexlet.Config){
		"neither local nor remote": func(c *nexlet.Config) { c.Place = nil },
		"both":                     func(c *nexlet.Config) { c.Remote = &nexlet.Remote{Nexus: "natster"} },
		"no nexus":                 func(c *nexlet.Config) { c.Place, c.Remote = nil, &nexlet.Remote{} },
		"no state":                 func(c *nexlet.Config) { c.State = "" },
		"no functions":             func(c *nexlet.Config) { c.Functions = nil },
	}
	s := nexlettest.Start(t, echoing(echo))
	for name, spoil := range rows {
		c := s.Config()
		c.Place = &nexlet.Place{Node: "N", Agent: "a"}
		spoil(&c)
		if _, err := nexlet.New(c); !errors.Is(err, nexlet.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPlaces(t *testing.T) {
	env := func(m map[string]string) func(string) string { return func(k string) string { return m[k] } }
	if _, err := nexlet.PlaceFrom(env(nil)); !errors.Is(err, nexlet.ErrNoNode) {
		t.Error(err)
	}
	dotted := env(map[string]string{"NEX_AGENT_NODE_ID": "N.*", "NEX_AGENT_ASSIGNED_ID": "a"})
	if _, err := nexlet.PlaceFrom(dotted); err == nil {
		t.Error("a node with a dot")
	}
	p, err := nexlet.PlaceFrom(env(map[string]string{
		"NEX_AGENT_NODE_ID": "N", "NEX_AGENT_ASSIGNED_ID": "a", "NEX_AGENT_NATS_SERVERS": "nats://a:1, nats://b:2",
		"NEX_AGENT_NATS_B64_JWT": "and0", "NEX_AGENT_NATS_USER_SEED": "SU",
	}))
	if err != nil || len(p.Connection.Servers) != 2 || p.Connection.JWT != "jwt" || p.Connection.Seed != "SU" {
		t.Errorf("%v, %v", p, err)
	}
	if strings.Contains(p.Connection.String(), "SU") {
		t.Error("it shows the seed")
	}
}

package nextest

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"natster/workloads/nexlet/wire"
)

// An agent is a registration. It is never removed, however dead.
type agent struct {
	id      string
	request wire.RegisterAgentRequest
	schema  *jsonschema.Schema
	health  string
	last    time.Time
	summary wire.AgentSummary
}

const (
	healthy      = "healthy"
	shuttingDown = "shutting down"
	degraded     = "degraded"
	offline      = "offline"
	unknown      = "unknown"
)

var stoplights = map[string]string{healthy: "🟢", shuttingDown: "🟠", degraded: "🟡", offline: "🔴", unknown: "⚪️"}

// healthOf is what a heartbeat with this state makes of an agent.
func healthOf(state string) string {
	switch state {
	case wire.AgentRunning:
		return healthy
	case wire.AgentStarting, wire.AgentError:
		return degraded
	case wire.AgentLameduck, wire.AgentStopping:
		return shuttingDown
	}
	return unknown
}

func (n *Node) register(r micro.Request) {
	id := wire.Last(r.Subject())
	q, err := wire.Decode[wire.RegisterAgentRequest](r.Data())
	if err != nil {
		n.refuse(r, err, wire.CodeBadRequest, "failed to unmarshal register local agent request")
		return
	}
	if q.Type == "" {
		n.refuse(r, errText("register_type is required"), wire.CodeBadRequest, "register_type is required")
		return
	}
	raw, err := jsonschema.UnmarshalJSON(strings.NewReader(q.StartRequestSchema))
	if err != nil {
		n.refuse(r, err, wire.CodeBadRequest, "failed to unmarshal start request schema")
		return
	}
	schema, err := compile(raw)
	if err != nil {
		n.refuse(r, err, wire.CodeInternal, "failed to compile schema")
		return
	}
	a := &agent{id: id, request: q, schema: schema, health: unknown}
	n.mu.Lock()
	_, known := n.agents[id]
	if !known {
		n.agents[id] = a
	}
	n.mu.Unlock()
	if known {
		n.refuse(r, errText("agent with ID "+id+" is already registered"), wire.CodeInternal,
			"failed to update registration")
		return
	}
	if err := n.listen(a); err != nil {
		n.t.Errorf("node: %v", err)
	}
	answer := wire.RegisterAgentResponse{
		Success: true, NodeID: n.ID,
		ConnectionData: n.cfg.Mint.Agent(n, id),
		ExistingState:  make(map[string]wire.AgentStartWorkloadRequest),
	}
	for wid, body := range n.cfg.State.ofOrNone(q.Type) {
		var request wire.StartWorkloadRequest
		if err := json.Unmarshal(body, &request); err != nil {
			continue
		}
		answer.ExistingState[wid] = wire.AgentStartWorkloadRequest{
			Request: body, WorkloadCreds: n.cfg.Mint.Workload(n, request.Namespace, wid),
		}
	}
	n.respond(r, answer)
}

func (s *State) ofOrNone(kind string) map[string]json.RawMessage {
	if s == nil {
		return nil
	}
	return s.of(kind)
}

func (n *Node) registerRemote(r micro.Request) {
	if _, err := wire.Decode[wire.RegisterRemoteAgentRequest](r.Data()); err != nil {
		n.refuse(r, err, wire.CodeBadRequest, "failed to unmarshal register remote agent request")
		return
	}
	id := n.nextID()
	n.respond(r, wire.RegisterRemoteAgentResponse{
		AssignedAgentID: id, RegistrationCreds: n.cfg.Mint.Registration(n, id), RespondTo: n.ID,
	})
}

// listen hears an agent's heartbeats from now on.
func (n *Node) listen(a *agent) error {
	_, err := n.nc.Subscribe(wire.Heartbeat(n.ID, a.id), func(m *nats.Msg) {
		beat, err := wire.Decode[wire.AgentHeartbeat](m.Data)
		if err != nil {
			return
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		a.health, a.last, a.summary = healthOf(beat.Summary.State), time.Now(), beat.Summary
	})
	return err
}

// look finds out, late, who has fallen silent.
func (n *Node) look() {
	tick := time.NewTicker(n.cfg.Times.Look)
	defer tick.Stop()
	for {
		select {
		case <-n.quit:
			return
		case <-tick.C:
		}
		n.mu.Lock()
		for _, a := range n.agents {
			switch silence := time.Since(a.last); {
			case silence > n.cfg.Times.Offline:
				a.health = offline
			case silence > n.cfg.Times.Degraded:
				a.health = degraded
			}
		}
		n.mu.Unlock()
	}
}

// healthy is any healthy agent of the type, or nil.
func (n *Node) healthy(kind string) *agent {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range n.agents { // whichever comes first, as in Nex
		if a.request.Type == kind && a.health == healthy {
			return a
		}
	}
	return nil
}

func (n *Node) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.agents)
}

func (n *Node) registrations() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []string
	for id, a := range n.agents {
		all = append(all, id+" ["+a.request.Type+"]")
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func (n *Node) summaries() []wire.NodeAgentSummary {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make([]wire.NodeAgentSummary, 0, len(n.agents))
	for id, a := range n.agents {
		all = append(all, wire.NodeAgentSummary{
			AgentID: id, Health: a.health, Stoplight: stoplights[a.health], LastHeartbeat: a.last, Summary: a.summary,
		})
	}
	return all
}

func (n *Node) nextID() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ids.Next()
}

func compile(schema any) (*jsonschema.Schema, error) {
	const name = "file:///start-request.json"
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, schema); err != nil {
		return nil, err
	}
	return c.Compile(name)
}

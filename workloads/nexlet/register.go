package nexlet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

// A registration is what a node made of us.
type registration struct {
	node, agent  string
	Connection   wire.ConnectionData        // to work with
	Registration wire.ConnectionData        // to register again with
	existing     map[string]json.RawMessage // workloads to take up
	adopted      bool
}

// registered is RegisterAgentResponse with the deploy bodies as they came.
type registered struct {
	Success        bool                `json:"success"`
	Message        string              `json:"message"`
	NodeID         string              `json:"node_id"`
	ConnectionData wire.ConnectionData `json:"connection_data"`
	ExistingState  map[string]struct {
		Request json.RawMessage `json:"request"`
	} `json:"existing_state"`
}

// duplicate is how a node refuses an id that it knows. It still listens to that id and calls it.
const duplicate = "failed to update registration"

const (
	askPatience    = 5 * time.Second
	remotePatience = 3 * time.Second
	retryPause     = time.Second
	// lastPause is waited before giving up: a node starts us again at once, and only so often.
	lastPause = 2 * time.Second
)

// register finds our place at a node, and waits for one if need be. A remote nexlet that was there before asks its old node
// first, under its old id: that leaves no ghost behind.
func (n *Nexlet) register(ctx context.Context) (registration, error) {
	last, err := n.store.load(n.stateName())
	if err != nil {
		n.log.Error("what was known before a restart is lost", "err", err)
		last = saved{}
	}
	for attempt := 1; ; attempt++ {
		reg, err := n.tryRegister(ctx, last)
		if err == nil {
			return reg, nil
		}
		refused, isRefusal := errors.AsType[*wire.Error](err)
		pause := retryPause
		if isRefusal {
			pause = lastPause
		} else {
			n.log.Warn("not registered yet", "attempt", attempt, "err", err)
		}
		last.Node = "" // do not insist
		select {
		case <-ctx.Done():
			return reg, ctx.Err()
		case <-time.After(pause):
		}
		if isRefusal {
			return reg, fmt.Errorf("the node refused to register this nexlet: %w", refused)
		}
	}
}

func (n *Nexlet) tryRegister(ctx context.Context, last saved) (registration, error) {
	if p := n.cfg.Place; p != nil {
		return n.registerAt(ctx, p.Node, p.Agent, p.Connection, last)
	}
	if last.Node != "" {
		reg, err := n.registerAt(ctx, last.Node, last.Agent, last.Registration, last)
		if err == nil {
			return reg, nil
		}
		n.log.Info("the old node does not answer; any other will do", "node", last.Node, "err", err)
	}
	nc, err := dialNex(n.cfg.Remote.Connection, n.cfg.NexCreds, nats.NoReconnect())
	if err != nil {
		return registration{}, err
	}
	defer nc.Close()
	m, err := ask(ctx, nc, wire.RegisterRemote(n.cfg.Remote.Nexus), struct{}{}, remotePatience)
	if err != nil {
		return registration{}, fmt.Errorf("ask nexus %s for registration: %w", n.cfg.Remote.Nexus, err)
	}
	a, err := wire.Decode[wire.RegisterRemoteAgentResponse](m.Data)
	if err != nil {
		return registration{}, fmt.Errorf("ask nexus %s for registration: %w", n.cfg.Remote.Nexus, err)
	}
	return n.registerAt(ctx, a.RespondTo, a.AssignedAgentID, a.RegistrationCreds, saved{})
}

// registerAt registers under the id. When the node knows the id already, it is ours from before a crash, and adopted.
func (n *Nexlet) registerAt(ctx context.Context, node, agent string, with wire.ConnectionData, last saved) (registration, error) {
	reg := registration{node: node, agent: agent, Registration: with}
	public, err := n.curve.PublicKey()
	if err != nil {
		return reg, err
	}
	nc, err := dialNex(with, n.cfg.NexCreds, nats.NoReconnect())
	if err != nil {
		return reg, err
	}
	defer nc.Close()
	m, err := ask(ctx, nc, wire.Register(node, agent), wire.RegisterAgentRequest{
		Name:                AgentName,
		Type:                spec.Type,
		Description:         "runs Natster's functions and catalogs",
		Version:             n.cfg.Version,
		PublicXKey:          public,
		SupportedLifecycles: []wire.Lifecycle{wire.Function, wire.Service},
		StartRequestSchema:  n.schema,
	}, askPatience)
	if refused, ok := errors.AsType[*wire.Error](err); ok && refused.Message == duplicate {
		return n.adopt(reg, last), nil
	}
	if err != nil {
		return reg, fmt.Errorf("register with node %s: %w", node, err)
	}
	var a registered
	if err := json.Unmarshal(m.Data, &a); err != nil || !a.Success {
		return reg, fmt.Errorf("register with node %s: unreadable answer (%s): %w", node, a.Message, err)
	}
	reg.Connection = a.ConnectionData
	reg.existing = make(map[string]json.RawMessage)
	for id, w := range a.ExistingState {
		reg.existing[id] = w.Request
	}
	n.log.Info("registered", "node", node, "agent", agent, "workloads", len(reg.existing))
	return reg, nil
}

// adopt goes on under an id that the node will not register twice, with what the state file remembers.
func (n *Nexlet) adopt(reg registration, last saved) registration {
	reg.adopted = true
	reg.Connection = reg.Registration
	if last.Agent == reg.agent {
		reg.Connection, reg.existing = last.Connection, last.Workloads
	} else {
		n.log.Warn("the workloads of this id are not known any more", "agent", reg.agent)
	}
	n.log.Info("adopted", "node", reg.node, "agent", reg.agent, "workloads", len(reg.existing))
	return reg
}

// ask makes a request; a refusal is an error, a *wire.Error.
func ask(ctx context.Context, nc *nats.Conn, subject string, body any, patience time.Duration) (*nats.Msg, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	m, err := nc.RequestWithContext(ctx, subject, text)
	if err != nil {
		return nil, err
	}
	return m, wire.Refusal(m)
}

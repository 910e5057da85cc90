package nexlet

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"natster/internal/backoff"
	"natster/internal/private"
	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

// A Place is the place of a local nexlet at the node that started it.
type Place struct {
	Node       string
	Agent      string              // the nexlet's id; the same when the node restarts the nexlet
	Connection wire.ConnectionData // may register, and perhaps nothing else
}

// ErrNoNode means that the process was not started by a Nex node.
var ErrNoNode = errors.New("no Nex node started this process: NEX_AGENT_NODE_ID is not set")

// PlaceFrom reads the variables NEX_AGENT_*. A node sets all of them, many to nothing. It fails with [ErrNoNode].
func PlaceFrom(getenv func(string) string) (Place, error) {
	get := func(name string) string { return getenv("NEX_AGENT_" + name) }
	p := Place{Node: get("NODE_ID"), Agent: get("ASSIGNED_ID")}
	if p.Node == "" {
		return p, ErrNoNode
	}
	if !wire.IsToken(p.Node) || !wire.IsToken(p.Agent) {
		return p, fmt.Errorf("NEX_AGENT_NODE_ID %q and NEX_AGENT_ASSIGNED_ID %q are not what a node gives",
			p.Node, p.Agent)
	}
	token, err := base64.StdEncoding.DecodeString(get("NATS_B64_JWT"))
	if err != nil {
		return p, errors.New("NEX_AGENT_NATS_B64_JWT is not base64")
	}
	p.Connection = wire.ConnectionData{
		JWT:      string(token),
		Seed:     get("NATS_USER_SEED"),
		NKey:     get("NATS_USER_NKEY"),
		User:     get("NATS_USER"),
		Password: get("NATS_PASSWORD"),
	}
	for s := range strings.SplitSeq(get("NATS_SERVERS"), ",") {
		if s = strings.TrimSpace(s); s != "" {
			p.Connection.Servers = append(p.Connection.Servers, s)
		}
	}
	return p, nil
}

// A registration is a place at a node, with the workloads there. The state file contains it: what the nexlet needs to
// resume its work after a crash, because its node will not send it again.
type registration struct {
	Agent        string                     `json:"agent"`
	Node         string                     `json:"node"`
	Connection   wire.ConnectionData        `json:"connection"`   // to work with
	Registration wire.ConnectionData        `json:"registration"` // to register again with
	Workloads    map[string]json.RawMessage `json:"workloads"`    // deploy bodies, by id; to resume
}

// duplicate is the message with which a node refuses an id that is registered already. It still sends requests to that
// id.
const duplicate = "failed to update registration"

const (
	requestTimeout = 5 * time.Second
	remoteTimeout  = 3 * time.Second
	retryPause     = time.Second
	// lastPause is the pause before giving up: the node restarts the nexlet at once, and only so often.
	lastPause = 2 * time.Second
)

// register registers with a node, and waits for one if need be. A remote nexlet that was registered before asks its old
// node first, under its old id, so that no dead agent is left there.
func (n *Nexlet) register(ctx context.Context) (registration, error) {
	last, err := n.file.load()
	if err != nil {
		n.log.Error("the state before a restart is lost", "err", err)
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
		last.Node = "" // from now on any node will do
		if err := backoff.Sleep(ctx, pause); err != nil {
			return reg, err
		}
		if isRefusal {
			return reg, fmt.Errorf("the node refused to register this nexlet: %w", refused)
		}
	}
}

// tryRegister tries to register once. Last is the state before a restart.
func (n *Nexlet) tryRegister(ctx context.Context, last registration) (registration, error) {
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
	var a wire.RegisterRemoteAgentResponse
	m, err := ask(ctx, nc, wire.RegisterRemote(n.cfg.Remote.Nexus), wire.RegisterRemoteAgentRequest{}, remoteTimeout)
	if err == nil {
		a, err = wire.Decode[wire.RegisterRemoteAgentResponse](m.Data)
	}
	if err != nil {
		return registration{}, fmt.Errorf("ask nexus %s for registration: %w", n.cfg.Remote.Nexus, err)
	}
	return n.registerAt(ctx, a.RespondTo, a.AssignedAgentID, a.RegistrationCreds, registration{})
}

// registerAt registers at the node under the id. If the node has the id already, it is ours from before a crash, and
// adopted.
func (n *Nexlet) registerAt(
	ctx context.Context, node, agent string, with wire.ConnectionData, last registration,
) (registration, error) {
	reg := registration{Node: node, Agent: agent, Registration: with}
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
		Name:                agentName,
		Type:                spec.Type,
		Description:         "runs Natster's functions and catalogs",
		Version:             n.cfg.Version,
		PublicXKey:          public,
		SupportedLifecycles: []wire.Lifecycle{wire.Function, wire.Service},
		StartRequestSchema:  n.schema,
	}, requestTimeout)
	if refused, ok := errors.AsType[*wire.Error](err); ok && refused.Message == duplicate {
		return n.adopt(reg, last), nil
	}
	if err != nil {
		return reg, fmt.Errorf("register with node %s: %w", node, err)
	}
	var a wire.RegisterAgentResponse
	if err := json.Unmarshal(m.Data, &a); err != nil || !a.Success {
		return reg, fmt.Errorf("register with node %s: unreadable answer (%s): %w", node, a.Message, err)
	}
	reg.Connection = a.ConnectionData
	reg.Workloads = make(map[string]json.RawMessage)
	for id, w := range a.ExistingState {
		reg.Workloads[id] = w.Request
	}
	n.log.Info("registered", "node", node, "agent", agent, "workloads", len(reg.Workloads))
	return reg, nil
}

// adopt continues under an id that the node does not register twice, with the workloads in the state file.
func (n *Nexlet) adopt(reg, last registration) registration {
	reg.Connection = reg.Registration
	if last.Agent == reg.Agent {
		reg.Connection, reg.Workloads = last.Connection, last.Workloads
	} else {
		n.log.Warn("the workloads of this id are lost", "agent", reg.Agent)
	}
	n.log.Info("adopted", "node", reg.Node, "agent", reg.Agent, "workloads", len(reg.Workloads))
	return reg
}

// ask sends a request and returns the reply. A refusal is a *wire.Error.
func ask(ctx context.Context, nc *nats.Conn, subject string, body any, timeout time.Duration) (*nats.Msg, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	m, err := nc.RequestWithContext(ctx, subject, text)
	if err != nil {
		return nil, err
	}
	return m, wire.Refusal(m)
}

// A stateFile is the path of a state file, which only its owner can read.
type stateFile string

// load returns what was saved, or the zero value if nothing was or it is damaged.
func (f stateFile) load() (r registration, err error) {
	text, err := os.ReadFile(string(f))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r, nil
	case err != nil:
		return r, fmt.Errorf("state: %w", err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return registration{}, fmt.Errorf("state: %s is damaged: delete it", f)
	}
	return r, nil
}

// save replaces the file atomically: a crash leaves the old one or the new one.
func (f stateFile) save(r registration) error {
	text, err := json.Marshal(r)
	if err == nil {
		err = private.WriteFile(string(f), text)
	}
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return nil
}

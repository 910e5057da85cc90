package nexlet

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

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

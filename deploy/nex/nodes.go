package nex

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"natster/workloads/nexlet/wire"
)

// A Node is a Nex node, as it describes itself, with its agents.
type Node struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Nexus   string    `json:"nexus"`
	Version string    `json:"version"`
	State   string    `json:"state"`
	Started time.Time `json:"started"`
	Tags    wire.Tags `json:"tags"`
	Agents  []Agent   `json:"agents"`
}

// An Agent is what runs workloads on a node.
type Agent struct {
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	Version   string    `json:"version"`
	Health    string    `json:"health"`
	Workloads int       `json:"workloads"`
	LastHeard time.Time `json:"last_heard"`
}

// Lameduck reports whether the node is about to end.
func (n Node) Lameduck() bool { return n.Tags[wire.TagLameduck] == "true" || n.State == "lameduck" }

// Ping returns the nodes that have the tags, without their agents.
func (c *Client) Ping(ctx context.Context, tags wire.Tags) ([]Node, error) {
	if tags == nil {
		tags = wire.Tags{}
	}
	replies, err := c.gather(ctx, wire.Ping(""), wire.NodePingRequest{Filter: tags}, 0, firstTimeout, nil)
	if err != nil {
		return nil, err
	}
	var nodes []Node
	for _, p := range decodeAll[wire.NodePingResponse](replies) {
		nodes = append(nodes, Node{
			ID: p.NodeID, Name: p.Tags[wire.TagNode], Nexus: p.Tags[wire.TagNexus],
			Version: p.Version, State: p.State, Started: p.StartTime, Tags: p.Tags,
		})
	}
	slices.SortFunc(nodes, func(a, b Node) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return nodes, nil
}

// Nodes returns the nodes that have the tags, with their agents. It fails with [ErrNoNode].
func (c *Client) Nodes(ctx context.Context, tags wire.Tags) ([]Node, error) {
	nodes, err := c.Ping(ctx, tags)
	if err != nil {
		return nil, err
	}
	if len(nodes) == 0 {
		if len(tags) > 0 {
			return nil, fmt.Errorf("with tags %v: %w", tags, ErrNoNode)
		}
		return nil, ErrNoNode
	}
	for i := range nodes {
		if nodes[i].Agents, err = c.agents(ctx, nodes[i].ID); err != nil && ctx.Err() != nil {
			return nil, err
		}
	}
	return nodes, nil
}

func (c *Client) agents(ctx context.Context, node string) ([]Agent, error) {
	m, err := c.ask(ctx, wire.Info(node), wire.NodeInfoRequest{}, firstTimeout)
	if err != nil {
		return nil, err
	}
	info, err := wire.Decode[wire.NodeInfoResponse](m.Data)
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", node, err)
	}
	agents := []Agent{}
	for _, a := range info.Agents {
		agents = append(agents, Agent{
			ID: a.AgentID, Type: a.Summary.Type, Version: a.Summary.Version, Health: a.Health,
			Workloads: a.Summary.WorkloadCount, LastHeard: a.LastHeartbeat,
		})
	}
	return agents, nil
}

// Lameduck makes a node take no more work and end after the delay. The node is given by id or name. It fails with
// [ErrNoNode].
func (c *Client) Lameduck(ctx context.Context, node string, delay time.Duration) error {
	nodes, err := c.Ping(ctx, nil)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(nodes, func(n Node) bool { return n.ID == node || n.Name == node })
	if i < 0 {
		return fmt.Errorf("node %q: %w", node, ErrNoNode)
	}
	// The node answers when its agents have, the dead ones included.
	q := wire.LameduckRequest{Delay: delay.String()}
	m, err := c.ask(ctx, wire.Lameduck(nodes[i].ID), q, c.waits.Complete+firstTimeout)
	switch {
	case silent(err):
		return fmt.Errorf("node %s does not answer: %w", node, ErrNoNode)
	case err != nil:
		return fmt.Errorf("node %s: %w: %w", node, ErrRefused, err)
	}
	a, err := wire.Decode[wire.LameduckResponse](m.Data)
	if err == nil && !a.Success {
		err = fmt.Errorf("%w: %s", ErrRefused, a.Message)
	}
	return err
}

package nex

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"natster/workloads/nexlet/wire"
)

// A scene is the nodes and the workloads as they were found, with our own changes since.
type scene struct {
	nodes     []Node
	workloads []wire.WorkloadSummary
}

// look returns the scene as it is now. It fails with [ErrNoNode].
func (c *Client) look(ctx context.Context) (*scene, error) {
	nodes, err := c.Nodes(ctx, nil)
	if err != nil {
		return nil, err
	}
	all, err := c.listAmong(ctx, len(nodes), nil)
	if err != nil {
		return nil, err
	}
	// The administrator's namespace lists all others, too; their workloads are not part of this rollout. Old nodes
	// leave the namespace out.
	all = slices.DeleteFunc(all, func(w wire.WorkloadSummary) bool {
		return w.Type != c.kind || w.Namespace != "" && w.Namespace != c.namespace
	})
	return &scene{nodes, all}, nil
}

// of returns the workloads with that name or id.
func (s *scene) of(name string) (found []wire.WorkloadSummary) {
	for _, w := range s.workloads {
		if w.Name == name || w.ID == name {
			found = append(found, w)
		}
	}
	return found
}

func (s *scene) forget(id string) {
	s.workloads = slices.DeleteFunc(s.workloads, func(w wire.WorkloadSummary) bool { return w.ID == id })
}

func (s *scene) node(id string) (Node, bool) {
	i := slices.IndexFunc(s.nodes, func(n Node) bool { return n.ID == id })
	if i < 0 {
		return Node{}, false
	}
	return s.nodes[i], true
}

// place returns the node for one more instance: of those that have the tags and a healthy nexlet and are not in
// lameduck, the one with the fewest instances of that name, then with the fewest workloads.
func (c *Client) place(ctx context.Context, s *scene, name string, tags wire.Tags) (Node, error) {
	var fit []Node
	for _, n := range s.nodes {
		healthy := func(a Agent) bool { return a.Type == c.kind && a.Health == "healthy" }
		if !n.Lameduck() && n.has(tags) && slices.ContainsFunc(n.Agents, healthy) {
			fit = append(fit, n)
		}
	}
	if len(fit) == 0 {
		return Node{}, fmt.Errorf("place %s: %w", name, c.whyNoBid(ctx, tags))
	}
	return slices.MinFunc(fit, func(a, b Node) int {
		return cmp.Or(
			cmp.Compare(s.load(a.ID, name), s.load(b.ID, name)),
			cmp.Compare(s.load(a.ID, ""), s.load(b.ID, "")),
			cmp.Compare(a.ID, b.ID),
		)
	}), nil
}

// load counts the node's workloads of that name, or all if name is empty.
func (s *scene) load(node, name string) (n int) {
	for _, w := range s.workloads {
		if w.Metadata["node"] == node && (name == "" || w.Name == name) {
			n++
		}
	}
	return n
}

// count counts the nodes that have the tags.
func (s *scene) count(tags wire.Tags) (n int) {
	for _, node := range s.nodes {
		if node.has(tags) {
			n++
		}
	}
	return n
}

// has reports whether the node has all the tags.
func (n Node) has(tags wire.Tags) bool {
	for k, v := range tags {
		if n.Tags[k] != v {
			return false
		}
	}
	return true
}

// pinned returns the tags together with that of the node's name.
func (n Node) pinned(tags wire.Tags) wire.Tags {
	all := wire.Tags{}
	maps.Copy(all, tags)
	if n.Name != "" {
		all[wire.TagNode] = n.Name
	}
	return all
}

package nex

import (
	"maps"
	"slices"

	"natster/workloads/nexlet/wire"
)

// A scene is the nodes and the workloads as they were found, with our own changes since.
type scene struct {
	nodes     []Node
	workloads []wire.WorkloadSummary
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

// nodeName returns the name of a node, or its id if it has none.
func (s *scene) nodeName(id string) string {
	n, known := s.node(id)
	if !known || n.Name == "" {
		return id
	}
	return n.Name
}

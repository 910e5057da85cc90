package nex

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"natster/workloads/nexlet/wire"
)

// A Verdict is the result of comparing a workload with what is wanted.
type Verdict string

// The verdicts.
const (
	OK      Verdict = "ok"
	Missing Verdict = "missing" // too few instances are ready
	Changed Verdict = "changed" // it runs, but was started with another start request
	Failing Verdict = "failing" // an instance cannot run
	Extra   Verdict = "extra"   // it is not wanted, or fewer instances are
)

// A Status is what is wanted under one name, and what runs.
type Status struct {
	Name      string                 `json:"name"`
	Verdict   Verdict                `json:"verdict"`
	Wanted    int                    `json:"wanted"`
	Ready     int                    `json:"ready"`
	Why       string                 `json:"why,omitempty"`
	Instances []wire.WorkloadSummary `json:"instances"`
}

// Status compares what runs with what is wanted. It fails with [ErrNoNode].
func (c *Client) Status(ctx context.Context, wants []Want) ([]Status, error) {
	s, err := c.look(ctx)
	if err != nil {
		return nil, err
	}
	var all []Status
	for _, w := range wants {
		all = append(all, s.compare(w))
	}
	for _, w := range s.workloads {
		if !slices.ContainsFunc(all, func(st Status) bool { return st.Name == w.Name }) {
			all = append(all, Status{
				Name: w.Name, Verdict: Extra, Ready: s.ready(w.Name), Instances: s.of(w.Name), Why: w.Metadata["error"],
			})
		}
	}
	return all, nil
}

func (s *scene) ready(name string) (n int) {
	for _, w := range s.of(name) {
		if w.State == wire.Running {
			n++
		}
	}
	return n
}

// compare compares what runs under the want's name with the want.
func (s *scene) compare(w Want) Status {
	st := Status{Name: w.Name, Wanted: cmp.Or(w.Replicas, 1), Instances: s.of(w.Name)}
	var changed bool
	for _, have := range st.Instances {
		switch {
		case have.State == wire.Failed:
			st.Verdict, st.Why = Failing, have.Metadata["error"]
		case have.Metadata["spec"] != w.Start.Fingerprint():
			changed = true
		case have.State == wire.Running:
			st.Ready++
		}
	}
	switch {
	case st.Verdict != "":
	case changed:
		st.Verdict = Changed
	case st.Ready < st.Wanted:
		st.Verdict = Missing
	case len(st.Instances) > st.Wanted && w.Replicas > 0:
		st.Verdict = Extra
	default:
		st.Verdict = OK
	}
	return st
}

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
	all := maps.Clone(tags)
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

package nex

import (
	"cmp"
	"context"
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

// ready counts the instances of that name that are running.
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

package nex

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"natster/internal/backoff"
	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

// An Action is what was done with a workload.
type Action string

// The actions.
const (
	Started Action = "started"
	Kept    Action = "kept" // it was as wanted
	Stopped Action = "stopped"
	Failed  Action = "failed"
)

// A Step is one action of a rollout.
type Step struct {
	Name   string `json:"name"`
	Action Action `json:"action"`
	ID     string `json:"id,omitempty"`
	Node   string `json:"node,omitempty"` // its name
	Why    string `json:"why,omitempty"`
}

// Options configure a rollout. The zero value is valid.
type Options struct {
	Tags        wire.Tags         // that nodes must have, beside those of each want
	Replicas    int               // of each want that has none; 1 if 0
	Environment map[string]string // sealed to each nexlet, for each workload that is started
	Report      func(Step)        // called after each step; may be nil
}

// A rollout is one run of Up, Restart or Down.
type rollout struct {
	*Client
	scene *scene
	o     Options
	steps []Step
}

// did records and reports a step.
func (r *rollout) did(s Step) {
	r.steps = append(r.steps, s)
	if r.o.Report != nil {
		r.o.Report(s)
	}
}

// begin looks at the nodes and workloads and returns a rollout that has done nothing yet.
func (c *Client) begin(ctx context.Context, o Options) (*rollout, error) {
	s, err := c.look(ctx)
	return &rollout{Client: c, scene: s, o: o}, err
}

// look returns the nodes and the workloads as they are now. It fails with [ErrNoNode].
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
		return w.Type != spec.Type || w.Namespace != "" && w.Namespace != c.namespace
	})
	return &scene{nodes, all}, nil
}

// Up brings what runs in line with wants: it starts missing instances, spread over the nodes, keeps those that are as
// wanted, replaces those that were started with another start request, and stops surplus ones. Workloads that are in no
// want are left alone. A function's replacement is ready before the old instance is stopped. An instance that does not
// become ready is stopped again. Up returns when everything wanted is ready; the error names what is not.
func (c *Client) Up(ctx context.Context, wants []Want, o Options) ([]Step, error) {
	r, err := c.begin(ctx, o)
	if err != nil {
		return nil, err
	}
	var failed failures
	for _, w := range wants {
		if err := r.up(ctx, w); err != nil {
			r.did(Step{Name: w.Name, Action: Failed, Why: err.Error()})
			failed.add(w.Name, err)
			if errors.Is(err, ErrNoNode) || ctx.Err() != nil {
				break
			}
		}
	}
	return r.steps, failed.err()
}

func (r *rollout) up(ctx context.Context, w Want) error {
	replicas := cmp.Or(w.Replicas, r.o.Replicas, 1)
	tags := r.tags(w)
	var right []wire.WorkloadSummary
	var wrong []surplus
	for _, have := range r.scene.of(w.Name) {
		node, known := r.scene.node(have.Metadata["node"])
		switch {
		case have.Metadata["spec"] != w.Start.Fingerprint():
			wrong = append(wrong, surplus{have, "it was started otherwise"})
		case known && node.Lameduck():
			wrong = append(wrong, surplus{have, "its node is in lameduck"})
		case known && !node.has(tags):
			wrong = append(wrong, surplus{have, "its node has other tags"})
		case len(right) == replicas:
			wrong = append(wrong, surplus{have, "one too many"})
		default:
			right = append(right, have)
		}
	}
	if w.Start.Catalog != nil { // stop first: two servers of one catalog would both answer
		if len(right) < replicas { // nothing is stopped if there is no node for its replacement
			if _, err := r.place(ctx, w.Name, tags); err != nil {
				return err
			}
		}
		if err := r.stopAll(ctx, wrong); err != nil {
			return err
		}
		wrong = nil
	}
	for _, have := range right {
		if _, err := r.ready(ctx, have.ID); err != nil {
			return err
		}
		kept := Step{Name: w.Name, Action: Kept, ID: have.ID, Node: r.scene.nodeName(have.Metadata["node"])}
		if len(r.o.Environment) > 0 {
			kept.Why = "with the environment that it has; natster deploy restart gives it another"
		}
		r.did(kept)
	}
	for range replicas - len(right) {
		if err := r.start(ctx, w); err != nil {
			return err
		}
	}
	return r.stopAll(ctx, wrong)
}

// tags returns the tags that a node must have to run w.
func (r *rollout) tags(w Want) wire.Tags {
	tags := wire.Tags{}
	maps.Copy(tags, r.o.Tags)
	maps.Copy(tags, w.Tags)
	return tags
}

// start starts one instance of w and returns when it is ready. One that does not become ready is stopped.
func (r *rollout) start(ctx context.Context, w Want) error {
	tags := r.tags(w)
	// A node can only be asked for by name, and two nodes may have the same name: the bid may then be that of the
	// other.
	const tries = 8
	for try := 1; ; try++ {
		node, err := r.place(ctx, w.Name, tags)
		if err != nil {
			return err
		}
		asked := node.pinned(tags)
		d, err := r.Deploy(ctx, Request{
			Name: w.Name, Description: w.Description, Start: w.Start, Tags: asked,
			Environment: r.o.Environment, bidders: r.scene.count(asked),
		})
		if err != nil {
			return err
		}
		ready, err := r.ready(ctx, d.ID)
		crowded := err == nil && ready.Metadata["node"] != node.ID && r.scene.load(ready.Metadata["node"], w.Name) > 0
		if err == nil && (!crowded || try == tries) {
			r.scene.workloads = append(r.scene.workloads, ready)
			r.did(Step{Name: w.Name, Action: Started, ID: d.ID, Node: r.scene.nodeName(ready.Metadata["node"])})
			return nil
		}
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*r.waits.Complete)
		_, stop := r.stop(cleanup, len(r.scene.nodes), r.namespace, d.ID)
		cancel()
		if stop != nil {
			err = errors.Join(err, fmt.Errorf("and it could not be stopped: %w", stop))
		}
		if err != nil {
			return err
		}
	}
}

// place returns the node for one more instance: of those that have the tags and a healthy nexlet and are not in
// lameduck, the one with the fewest instances of that name, then with the fewest workloads.
func (r *rollout) place(ctx context.Context, name string, tags wire.Tags) (Node, error) {
	var fit []Node
	for _, n := range r.scene.nodes {
		healthy := func(a Agent) bool { return a.Type == spec.Type && a.Health == "healthy" }
		if !n.Lameduck() && n.has(tags) && slices.ContainsFunc(n.Agents, healthy) {
			fit = append(fit, n)
		}
	}
	if len(fit) == 0 {
		return Node{}, fmt.Errorf("place %s: %w", name, r.whyNoBid(ctx, tags))
	}
	return slices.MinFunc(fit, func(a, b Node) int {
		return cmp.Or(
			cmp.Compare(r.scene.load(a.ID, name), r.scene.load(b.ID, name)),
			cmp.Compare(r.scene.load(a.ID, ""), r.scene.load(b.ID, "")),
			cmp.Compare(a.ID, b.ID),
		)
	}), nil
}

// ready waits until the workload is running. It fails with [ErrNotReady].
func (r *rollout) ready(ctx context.Context, id string) (wire.WorkloadSummary, error) {
	const maxRestarts = 3 // after which it will not become ready
	pause := time.Duration(0)
	ctx, cancel := context.WithTimeout(ctx, r.waits.Ready)
	defer cancel()
	last := "no node lists it"
	for restarts := 0; restarts < maxRestarts && backoff.Sleep(ctx, pause) == nil; pause = r.waits.Poll {
		found, err := r.listAmong(ctx, len(r.scene.nodes), []string{id})
		if err == nil && len(found) > 0 {
			w := found[0]
			if w.State == wire.Running {
				return w, nil
			}
			last = fmt.Sprintf("it is %s", w.State)
			if why := w.Metadata["error"]; why != "" {
				last = fmt.Sprintf("it is in state %s: %s", w.State, why)
			}
			restarts, _ = strconv.Atoi(w.Metadata["restarts"]) // none is listed if there were none
		}
	}
	return wire.WorkloadSummary{}, fmt.Errorf("%w: %s (natster deploy logs -f shows more)", ErrNotReady, last)
}

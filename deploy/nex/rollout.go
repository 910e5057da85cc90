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

// begin looks at the nodes and workloads and returns a rollout that has done nothing yet.
func (c *Client) begin(ctx context.Context, o Options) (*rollout, error) {
	s, err := c.look(ctx)
	if err != nil {
		return nil, err
	}
	return &rollout{Client: c, scene: s, o: o}, nil
}

// did records and reports a step.
func (r *rollout) did(s Step) {
	r.steps = append(r.steps, s)
	if r.o.Report != nil {
		r.o.Report(s)
	}
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
			if _, err := r.place(ctx, r.scene, w.Name, tags); err != nil {
				return err
			}
		}
		if err := r.stopWrong(ctx, wrong); err != nil {
			return err
		}
		wrong = nil
	}
	for _, have := range right {
		if _, err := r.ready(ctx, have.ID); err != nil {
			return err
		}
		kept := Step{Name: w.Name, Action: Kept, ID: have.ID, Node: r.nodeName(have.Metadata["node"])}
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
	return r.stopWrong(ctx, wrong)
}

// A surplus is an instance to stop, and the reason.
type surplus struct {
	wire.WorkloadSummary
	why string
}

// stopWrong stops the instances, each with its reason in the step.
func (r *rollout) stopWrong(ctx context.Context, wrong []surplus) error {
	var failed []error
	for _, w := range wrong {
		failed = append(failed, r.stopAll(ctx, []wire.WorkloadSummary{w.WorkloadSummary}, w.why))
	}
	return errors.Join(failed...)
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
		node, err := r.place(ctx, r.scene, w.Name, tags)
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
			r.did(Step{Name: w.Name, Action: Started, ID: d.ID, Node: r.nodeName(ready.Metadata["node"])})
			return nil
		}
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*r.waits.Complete)
		_, stop := r.stop(cleanup, r.namespace, d.ID)
		cancel()
		if stop != nil {
			err = errors.Join(err, fmt.Errorf("and it could not be stopped: %w", stop))
		}
		if err != nil {
			return err
		}
	}
}

// ready waits until the workload is running. It fails with [ErrNotReady].
func (r *rollout) ready(ctx context.Context, id string) (wire.WorkloadSummary, error) {
	const maxRestarts = 3 // after which it will not become ready
	ctx, cancel := context.WithTimeout(ctx, r.waits.Ready)
	defer cancel()
	tick := time.NewTicker(r.waits.Poll)
	defer tick.Stop()
	last := errors.New("no node lists it")
	for {
		found, err := r.listAmong(ctx, len(r.scene.nodes), []string{id})
		if err == nil && len(found) > 0 {
			w := found[0]
			last = fmt.Errorf("it is %s", w.State)
			if why := w.Metadata["error"]; why != "" {
				last = fmt.Errorf("it is in state %s: %s", w.State, why)
			}
			if w.State == wire.Running {
				return w, nil
			}
			if n, err := strconv.Atoi(w.Metadata["restarts"]); err == nil && n >= maxRestarts {
				return w, fmt.Errorf("%w: %w (natster deploy logs -f shows more)", ErrNotReady, last)
			}
		}
		select {
		case <-ctx.Done():
			return wire.WorkloadSummary{}, fmt.Errorf("%w: %w (natster deploy logs -f shows more)", ErrNotReady, last)
		case <-tick.C:
		}
	}
}

// stop stops a workload. It first expects as many answers as there were nodes when the rollout began, which does not
// wait longer than they take; if none of them stopped it, it looks for the nodes that are there now.
func (r *rollout) stop(ctx context.Context, namespace, id string) (bool, error) {
	if stopped, err := r.stopAmong(ctx, len(r.scene.nodes), namespace, id); err == nil && stopped {
		return true, nil
	}
	return r.Client.stop(ctx, namespace, id)
}

// stopAll stops the workloads and records why.
func (r *rollout) stopAll(ctx context.Context, all []wire.WorkloadSummary, why string) error {
	var failed []error
	for _, w := range all {
		stopped, err := r.stop(ctx, w.Namespace, w.ID)
		if err == nil && !stopped {
			err = fmt.Errorf("%s: %w", w.ID, ErrNotFound)
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		r.scene.forget(w.ID)
		r.did(Step{Name: w.Name, Action: Stopped, ID: w.ID, Node: r.nodeName(w.Metadata["node"]), Why: why})
	}
	return errors.Join(failed...)
}

// Restart replaces each instance of each want by a new one, one after the other; the others go on meanwhile. It fails
// with [ErrNotFound] for a want that does not run.
func (c *Client) Restart(ctx context.Context, wants []Want, o Options) ([]Step, error) {
	r, err := c.begin(ctx, o)
	if err != nil {
		return nil, err
	}
	var failed []error
	for _, w := range wants {
		old := r.scene.of(w.Name)
		if len(old) == 0 {
			failed = append(failed, fmt.Errorf("%s: %w", w.Name, ErrNotFound))
			continue
		}
		for _, instance := range old {
			if err := r.replace(ctx, w, instance); err != nil {
				r.did(Step{Name: w.Name, Action: Failed, ID: instance.ID, Why: err.Error()})
				failed = append(failed, fmt.Errorf("%s: %w", w.Name, err))
				break
			}
		}
	}
	return r.steps, errors.Join(failed...)
}

// replace replaces one instance of w by a new one. A function's new instance is ready before the old one is stopped.
func (r *rollout) replace(ctx context.Context, w Want, old wire.WorkloadSummary) error {
	if w.Start.Catalog != nil {
		if err := r.stopAll(ctx, []wire.WorkloadSummary{old}, "restarted"); err != nil {
			return err
		}
		return r.start(ctx, w)
	}
	r.scene.forget(old.ID) // it must not count when a node is chosen for the new one
	if err := r.start(ctx, w); err != nil {
		return err
	}
	return r.stopAll(ctx, []wire.WorkloadSummary{old}, "restarted")
}

// Down stops every instance with these names or ids; without any, all of Natster's in the namespace.
func (c *Client) Down(ctx context.Context, names []string, o Options) ([]Step, error) {
	r, err := c.begin(ctx, o)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		err := r.stopAll(ctx, slices.Clone(r.scene.workloads), "down")
		return r.steps, err
	}
	var failed []error
	for _, name := range names {
		found := r.scene.of(name)
		if len(found) == 0 {
			failed = append(failed, fmt.Errorf("%s: %w", name, ErrNotFound))
			continue
		}
		if err := r.stopAll(ctx, found, "down"); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", name, err))
		}
	}
	return r.steps, errors.Join(failed...)
}

// nodeName returns the name of a node, or its id if it has none.
func (r *rollout) nodeName(id string) string {
	n, known := r.scene.node(id)
	if !known || n.Name == "" {
		return id
	}
	return n.Name
}

package nex

import (
	"context"
	"errors"
	"fmt"

	"natster/workloads/nexlet/wire"
)

// Restart replaces each instance of each want by a new one, one after the other; the others go on meanwhile. It fails
// with [ErrNotFound] for a want that does not run.
func (c *Client) Restart(ctx context.Context, wants []Want, o Options) ([]Step, error) {
	r, err := c.begin(ctx, o)
	if err != nil {
		return nil, err
	}
	var failed failures
	for _, w := range wants {
		old := r.scene.of(w.Name)
		if len(old) == 0 {
			failed.add(w.Name, ErrNotFound)
		}
		for _, instance := range old {
			if err := r.replace(ctx, w, instance); err != nil {
				r.did(Step{Name: w.Name, Action: Failed, ID: instance.ID, Why: err.Error()})
				failed.add(w.Name, err)
				break
			}
		}
	}
	return r.steps, failed.err()
}

// replace replaces one instance of w by a new one. A function's new instance is ready before the old one is stopped.
func (r *rollout) replace(ctx context.Context, w Want, old wire.WorkloadSummary) error {
	restarted := []surplus{{old, "restarted"}}
	if w.Start.Catalog != nil {
		if err := r.stopAll(ctx, restarted); err != nil {
			return err
		}
		return r.start(ctx, w)
	}
	r.scene.forget(old.ID) // it must not count when a node is chosen for the new one
	if err := r.start(ctx, w); err != nil {
		return err
	}
	return r.stopAll(ctx, restarted)
}

// Down stops every instance with these names or ids; without any, all of Natster's in the namespace.
func (c *Client) Down(ctx context.Context, names []string, o Options) ([]Step, error) {
	r, err := c.begin(ctx, o)
	if err != nil {
		return nil, err
	}
	var failed failures
	found := r.scene.workloads
	if len(names) > 0 {
		found = nil
	}
	for _, name := range names {
		of := r.scene.of(name)
		if len(of) == 0 {
			failed.add(name, ErrNotFound)
		}
		found = append(found, of...)
	}
	var all []surplus
	for _, w := range found {
		all = append(all, surplus{w, "down"})
	}
	err = errors.Join(failed.err(), r.stopAll(ctx, all)) // before the steps are read
	return r.steps, err
}

// A surplus is an instance to stop, and the reason.
type surplus struct {
	wire.WorkloadSummary
	why string
}

// stopAll stops the instances, each with its reason in the step.
func (r *rollout) stopAll(ctx context.Context, all []surplus) error {
	var failed []error
	for _, w := range all {
		stopped, err := r.stop(ctx, len(r.scene.nodes), w.Namespace, w.ID)
		if err == nil && !stopped {
			err = ErrNotFound
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", w.ID, err))
			continue
		}
		r.scene.forget(w.ID)
		r.did(Step{Name: w.Name, Action: Stopped, ID: w.ID, Node: r.scene.nodeName(w.Metadata["node"]), Why: w.why})
	}
	return errors.Join(failed...)
}

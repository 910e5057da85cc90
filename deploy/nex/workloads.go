package nex

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

// List lists the namespace's workloads, or those of the ids and names given, ordered by name. Namespace "system" is all. A
// node that answers with an error, as one without agents does, is passed over. It fails with [ErrNoNode].
func (c *Client) List(ctx context.Context, filter ...string) ([]wire.WorkloadSummary, error) {
	nodes, err := c.Ping(ctx, nil)
	if err != nil {
		return nil, err
	}
	if len(nodes) == 0 {
		return nil, ErrNoNode
	}
	return c.listAmong(ctx, len(nodes), filter)
}

// listAmong is List when so many nodes are known to be there.
func (c *Client) listAmong(ctx context.Context, nodes int, filter []string) ([]wire.WorkloadSummary, error) {
	if filter == nil {
		filter = []string{}
	}
	replies, err := c.gather(ctx, wire.List(c.namespace),
		wire.AgentListWorkloadsRequest{Namespace: c.namespace, Filter: filter}, nodes, c.waits.Complete)
	if err != nil {
		return nil, err
	}
	all := []wire.WorkloadSummary{}
	for _, m := range replies {
		if wire.Refusal(m) != nil {
			continue
		}
		if list, err := wire.DecodeList(m.Data); err == nil {
			all = append(all, list...)
		}
	}
	slices.SortFunc(all, func(a, b wire.WorkloadSummary) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// Stop stops a workload; when it returns it takes nothing new, and what is in hand is being finished. It fails with
// [ErrNotFound] and [ErrNoNode].
func (c *Client) Stop(ctx context.Context, id string) error {
	namespace := c.namespace
	if namespace == wire.System { // the owner's namespace is needed
		all, err := c.List(ctx, id)
		if err != nil {
			return err
		}
		for _, w := range all {
			if w.ID == id && w.Namespace != "" {
				namespace = w.Namespace
			}
		}
	}
	stopped, err := c.stop(ctx, namespace, id)
	if err == nil && !stopped {
		err = fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	return err
}

// stop asks every node; one of them has it, and the others say that they do not.
func (c *Client) stop(ctx context.Context, namespace, id string) (bool, error) {
	nodes, err := c.Ping(ctx, nil)
	if err != nil {
		return false, err
	}
	if len(nodes) == 0 {
		return false, ErrNoNode
	}
	return c.stopAmong(ctx, len(nodes), namespace, id)
}

// stopAmong is stop, when it is known how many nodes there are.
func (c *Client) stopAmong(ctx context.Context, nodes int, namespace, id string) (bool, error) {
	stopped := func(m *nats.Msg) bool {
		a, err := wire.Decode[wire.StopWorkloadResponse](m.Data)
		return err == nil && a.Stopped && wire.Refusal(m) == nil
	}
	replies, err := c.gatherUntil(ctx, wire.Undeploy(c.namespace, id), wire.StopWorkloadRequest{Namespace: namespace}, nodes, c.waits.Complete, stopped)
	if err != nil {
		return false, err
	}
	var refused error
	for _, m := range replies {
		if stopped(m) {
			return true, nil
		}
		if err := wire.Refusal(m); err != nil {
			refused = errors.Join(refused, err)
		}
	}
	if refused != nil {
		return false, fmt.Errorf("%w: %w", ErrRefused, refused)
	}
	return false, nil
}

// Definition is what a workload was deployed with. It fails with [ErrNotFound].
func (c *Client) Definition(ctx context.Context, id string) (wire.StartWorkloadRequest, error) {
	var body wire.StartWorkloadRequest
	throwaway, err := nkeys.CreateCurveKeys() // the key is asked for and not used
	if err != nil {
		return body, fmt.Errorf("nex: %w", err)
	}
	public, err := throwaway.PublicKey()
	if err != nil {
		return body, fmt.Errorf("nex: %w", err)
	}
	m, err := c.ask(ctx, wire.Clone(c.namespace, id), wire.CloneWorkloadRequest{Namespace: c.namespace, NewTargetXKey: public}, c.waits.Complete)
	switch {
	case silent(err):
		return body, fmt.Errorf("%s: %w", id, ErrNotFound)
	case err != nil:
		return body, fmt.Errorf("%s: %w: %w", id, ErrRefused, err)
	}
	if err := json.Unmarshal(m.Data, &body); err != nil {
		return body, fmt.Errorf("%s: unreadable definition: %w", id, err)
	}
	return body, nil
}

// Clone deploys a workload again, onto a node with the tags. What was sealed goes along as it is: nexlets that share a key
// can open it.
func (c *Client) Clone(ctx context.Context, id string, tags wire.Tags) (Deployed, error) {
	body, err := c.Definition(ctx, id)
	if err != nil {
		return Deployed{}, err
	}
	start, err := spec.Parse(body.RunRequest)
	if err != nil {
		return Deployed{}, fmt.Errorf("clone %s: %w", id, err)
	}
	return c.Deploy(ctx, Request{Name: cmp.Or(body.Name, start.Name()), Description: body.Description, Start: start, Tags: tags})
}

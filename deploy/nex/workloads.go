package nex

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"

	"natster/workloads/nexlet/wire"
)

// List returns the namespace's workloads, or those with the ids and names given, ordered by name. Namespace "system"
// means all namespaces. A node that answers with an error, as one without agents does, is skipped. It fails with
// [ErrNoNode].
func (c *Client) List(ctx context.Context, filter ...string) ([]wire.WorkloadSummary, error) {
	nodes, err := c.countNodes(ctx)
	if err != nil {
		return nil, err
	}
	return c.listAmong(ctx, nodes, filter)
}

// countNodes returns how many nodes there are. It fails with [ErrNoNode].
func (c *Client) countNodes(ctx context.Context) (int, error) {
	nodes, err := c.Ping(ctx, nil)
	if err == nil && len(nodes) == 0 {
		err = ErrNoNode
	}
	return len(nodes), err
}

// listAmong is List for a known number of nodes.
func (c *Client) listAmong(ctx context.Context, nodes int, filter []string) ([]wire.WorkloadSummary, error) {
	if filter == nil {
		filter = []string{}
	}
	replies, err := c.gather(ctx, wire.List(c.namespace),
		wire.AgentListWorkloadsRequest{Namespace: c.namespace, Filter: filter}, nodes, c.waits.Complete, nil)
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

// stop asks every node to stop the workload and reports whether one did: one of them has it, the others answer that
// they do not. A workload that is stopped takes nothing new, and finishes what it has. Nodes is how many there were a
// while ago, 0 if that is not known: if none of so many stops it, stop counts those that are there now and asks again.
func (c *Client) stop(ctx context.Context, nodes int, namespace, id string) (bool, error) {
	if nodes > 0 {
		if stopped, err := c.stopAmong(ctx, nodes, namespace, id); err == nil && stopped {
			return true, nil
		}
	}
	nodes, err := c.countNodes(ctx)
	if err != nil {
		return false, err
	}
	return c.stopAmong(ctx, nodes, namespace, id)
}

// stopAmong is stop for a known number of nodes.
func (c *Client) stopAmong(ctx context.Context, nodes int, namespace, id string) (bool, error) {
	stopped := func(m *nats.Msg) bool {
		a, err := wire.Decode[wire.StopWorkloadResponse](m.Data)
		return err == nil && a.Stopped && wire.Refusal(m) == nil
	}
	q := wire.StopWorkloadRequest{Namespace: namespace}
	replies, err := c.gather(ctx, wire.Undeploy(c.namespace, id), q, nodes, c.waits.Complete, stopped)
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

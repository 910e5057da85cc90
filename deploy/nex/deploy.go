package nex

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/nats-io/nuid"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

// tagDeploy is the tag with the id of the deploy that made a workload: if the answer to a deploy is lost, its workload
// can be found by it. Nodes record such tags and do not check them.
const tagDeploy = "natster.deploy"

// A Request is one workload to deploy.
type Request struct {
	Name        string
	Description string
	Start       spec.Start
	Tags        wire.Tags         // that the node must have
	Environment map[string]string // sealed to the nexlet that gets it; empty: none

	bidders int // how many bids to expect; 0: not known
}

// Auction returns the bids of all nodes with the tags, of which there are bidders; 0: not known. No bid is no error.
func (c *Client) Auction(ctx context.Context, tags wire.Tags, bidders int) ([]wire.AuctionResponse, error) {
	if tags == nil {
		tags = wire.Tags{}
	}
	q := wire.AuctionRequest{AgentType: spec.Type, AuctionID: nuid.Next(), Tags: tags}
	replies, err := c.gather(ctx, wire.Auction(c.namespace), q, bidders, firstTimeout, nil)
	if err != nil {
		return nil, err
	}
	return decodeAll[wire.AuctionResponse](replies), nil
}

// Offered returns the functions that the nexlets on nodes with the tags have. It fails with [ErrNoNode] and [ErrNoBid].
func (c *Client) Offered(ctx context.Context, tags wire.Tags) ([]string, error) {
	bids, err := c.Auction(ctx, tags, 0)
	if err != nil {
		return nil, err
	}
	if len(bids) == 0 {
		return nil, c.whyNoBid(ctx, tags)
	}
	var all []string
	for _, b := range bids {
		names, err := spec.FunctionsIn(b.StartRequestSchema)
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			if !slices.Contains(all, n) {
				all = append(all, n)
			}
		}
	}
	return all, nil
}

// Deploy runs the workload on one node with the request's tags. It fails with [ErrTooLarge], [ErrNoNode], [ErrNoBid],
// [ErrLifecycle], [ErrSchema], [ErrRefused] and [ErrNoAnswer]; nothing of it runs then.
func (c *Client) Deploy(ctx context.Context, r Request) (wire.StartWorkloadResponse, error) {
	fail := func(err error) (wire.StartWorkloadResponse, error) {
		return wire.StartWorkloadResponse{}, fmt.Errorf("deploy %s: %w", r.Name, err)
	}
	if err := r.Start.Check(); err != nil {
		return fail(err)
	}
	if _, err := c.body(r, "", ""); err != nil {
		return fail(err)
	}
	mark := nuid.Next()
	var unanswered int
	for range 2 { // again if the bids were of nodes that have died since
		bids, err := c.Auction(ctx, r.Tags, r.bidders)
		if err != nil {
			return fail(err)
		}
		if len(bids) == 0 && unanswered == 0 {
			return fail(c.whyNoBid(ctx, r.Tags))
		}
		rand.Shuffle(len(bids), func(i, j int) { bids[i], bids[j] = bids[j], bids[i] })
		for _, bid := range bids {
			d, err := c.deployTo(ctx, r, bid, mark)
			switch {
			case err == nil:
				if unanswered > 0 {
					c.sweep(ctx, r.Name, mark, d.ID)
				}
				return d, nil
			case errors.Is(err, ErrNoAnswer):
				unanswered++
			case errors.Is(err, errGone): // another bid may be better
			default:
				return fail(err)
			}
		}
		if err := ctx.Err(); err != nil {
			return fail(err)
		}
	}
	if unanswered == 0 {
		return fail(c.whyNoBid(ctx, r.Tags))
	}
	if id := c.sweep(ctx, r.Name, mark, ""); id != "" {
		return wire.StartWorkloadResponse{ID: id, Name: r.Name}, nil // only its answer was lost
	}
	return fail(fmt.Errorf("%w within %s; see: natster deploy nodes", ErrNoAnswer, c.waits.Deploy))
}

// errGone means that the bidder no longer has a healthy agent.
var errGone = errors.New("the bidder's agent is gone")

func (c *Client) deployTo(
	ctx context.Context, r Request, bid wire.AuctionResponse, mark string,
) (d wire.StartWorkloadResponse, err error) {
	if !slices.Contains(bid.SupportedLifecycles, r.Start.Lifecycle()) {
		return d, fmt.Errorf("%w: %q; it has %v", ErrLifecycle, r.Start.Lifecycle(), bid.SupportedLifecycles)
	}
	body, err := c.body(r, bid.XKey, mark)
	if err != nil {
		return d, err
	}
	if err := validate(bid.StartRequestSchema, body.RunRequest); err != nil {
		return d, err
	}
	m, err := c.ask(ctx, wire.Deploy(c.namespace, bid.BidderID), body, c.waits.Deploy)
	if err == nil {
		if d, err = wire.Decode[wire.StartWorkloadResponse](m.Data); err != nil {
			return d, fmt.Errorf("unreadable answer of a node: %w", err)
		}
		return d, nil
	}
	refusal, refused := errors.AsType[*wire.Error](err)
	switch {
	case silent(err):
		return d, ErrNoAnswer
	case !refused:
		return d, err
	case refusal.Code == wire.CodeNotFound:
		return d, errGone
	case refusal.Code == wire.CodeAgent:
		// The node stores what its agent refuses, and would bring it back at every start.
		if a, err := wire.Decode[wire.StartWorkloadResponse](m.Data); err == nil && a.ID != "" {
			_, _ = c.stop(ctx, 0, c.namespace, a.ID) // the refusal is returned
		}
	}
	return d, fmt.Errorf("%w: %w", ErrRefused, refusal)
}

// body returns the message to the node, with the environment sealed to the bidder's curve key, if that is known. It
// fails with [ErrTooLarge].
func (c *Client) body(r Request, xkey, mark string) (body wire.StartWorkloadRequest, err error) {
	start := r.Start
	if len(r.Environment) > 0 && xkey != "" {
		if start.Environment, err = spec.Seal(r.Environment, r.Name, xkey); err != nil {
			return body, err
		}
	}
	body = wire.StartWorkloadRequest{
		Namespace: c.namespace, Name: r.Name, Description: r.Description,
		Type: spec.Type, Lifecycle: start.Lifecycle(), RunRequest: start.JSON(),
		Tags: wire.Tags{tagDeploy: mark},
	}
	maps.Copy(body.Tags, r.Tags)
	text, err := json.Marshal(body)
	if err != nil {
		return body, fmt.Errorf("nex: %w", err)
	}
	if len(text) > wire.MaxStored {
		return body, fmt.Errorf("%w: %d bytes, and it stores %d: a node that restarts would forget it",
			ErrTooLarge, len(text), wire.MaxStored)
	}
	return body, nil
}

// sweep finds the workloads that a deploy made although its answer was lost, keeps one (the id, if given) and stops the
// others. It returns the id of the one that is kept.
func (c *Client) sweep(ctx context.Context, name, mark, keep string) string {
	all, err := c.List(ctx, name)
	if err != nil {
		return keep
	}
	for _, w := range all {
		switch {
		case w.Tags[tagDeploy] != mark || w.ID == keep:
		case keep == "":
			keep = w.ID
		default:
			_, _ = c.stop(ctx, 0, w.Namespace, w.ID) // if it fails, a second instance does no harm
		}
	}
	return keep
}

// whyNoBid returns an error that says, for each node, why it did not bid.
func (c *Client) whyNoBid(ctx context.Context, tags wire.Tags) error {
	nodes, err := c.Nodes(ctx, nil)
	if err != nil {
		return err
	}
	var reasons []string
	for _, n := range nodes {
		reasons = append(reasons, fmt.Sprintf("node %s: %s", n.Name, c.unfit(n, tags)))
	}
	return fmt.Errorf("%w: %s", ErrNoBid, strings.Join(reasons, "; "))
}

// unfit says why a node does not bid for a workload with the tags.
func (c *Client) unfit(n Node, tags wire.Tags) string {
	for k, v := range tags {
		if n.Tags[k] != v {
			return fmt.Sprintf("its tag %s is %q, not %q", k, n.Tags[k], v)
		}
	}
	var health []string
	for _, a := range n.Agents {
		if a.Type == spec.Type {
			health = append(health, a.Health)
		}
	}
	if health == nil {
		return fmt.Sprintf("it has no agent of type %s (nex.json names bin/natster, which `make build` makes)",
			spec.Type)
	}
	return fmt.Sprintf("its agent of type %s is %s", spec.Type, strings.Join(health, ", "))
}

// validate checks a start request against the schema that came with the bid. The node would refuse it, too, but the bid
// would be used up.
func validate(schema, start string) error {
	const name = "file:///start-request.json"
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		return fmt.Errorf("the nexlet's schema cannot be read: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(name, doc); err != nil {
		return fmt.Errorf("the nexlet's schema cannot be read: %w", err)
	}
	compiled, err := compiler.Compile(name)
	if err != nil {
		return fmt.Errorf("the nexlet's schema cannot be read: %w", err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(start))
	if err != nil {
		return fmt.Errorf("%w: it is not JSON: %w", ErrSchema, err)
	}
	if err := compiled.Validate(v); err != nil {
		_, what, found := strings.Cut(err.Error(), "\n") // the first line is about the schema
		if !found {
			what = err.Error()
		}
		return fmt.Errorf("%w: %s", ErrSchema, strings.Join(strings.Fields(what), " "))
	}
	return nil
}

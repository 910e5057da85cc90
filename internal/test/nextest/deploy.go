package nextest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"natster/workloads/nexlet/wire"
)

// auction bids if there is a healthy agent of the type and the node has every tag. Otherwise it does not answer.
func (n *Node) auction(r micro.Request) {
	q, err := wire.Decode[wire.AuctionRequest](r.Data())
	if err != nil {
		n.refuse(r, err, wire.CodeBadRequest, "failed to unmarshal auction request")
		return
	}
	a := n.healthy(q.AgentType)
	if a == nil || !n.has(q.Tags) {
		return
	}
	bid := n.nextID()
	n.mu.Lock()
	n.bids[bid] = time.Now().Add(n.cfg.AuctionTTL)
	n.mu.Unlock()
	n.respond(r, bidOf(a, bid))
}

// bidOf returns a bid for the agent; its lifecycles are null if the agent named none, as in Nex.
func bidOf(a *agent, bid string) wire.AuctionResponse {
	return wire.AuctionResponse{
		BidderID: bid, XKey: a.request.PublicXKey,
		SupportedLifecycles: a.request.SupportedLifecycles, StartRequestSchema: a.request.StartRequestSchema,
	}
}

// valid reports whether a bid has not expired; a deploy for one that has gets no answer. A bid is good for any type,
// and more than once.
func (n *Node) valid(bid string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return time.Now().Before(n.bids[bid])
}

func (n *Node) deploy(r micro.Request) {
	namespace, bid := namespaceOf(r.Subject()), wire.Last(r.Subject())
	if !n.valid(bid) {
		return
	}
	q, err := wire.Decode[wire.StartWorkloadRequest](r.Data())
	if err != nil {
		n.refuse(r, err, wire.CodeBadRequest, "failed to unmarshal auction deploy workload request")
		return
	}
	if n.foreign(r, namespace, q.Namespace) {
		return
	}
	a := n.healthy(q.Type)
	if a == nil {
		n.refuse(r, errText("workload type not found"), wire.CodeNotFound, "workload type not found")
		return
	}
	run, err := jsonschema.UnmarshalJSON(strings.NewReader(q.RunRequest))
	if err != nil {
		n.refuse(r, err, wire.CodeBadRequest, "failed to unmarshal start request")
		return
	}
	if err := a.schema.Validate(run); err != nil {
		n.refuse(r, err, wire.CodeBadRequest, "failed to validate run request")
		return
	}
	id := n.nextID()
	body, err := json.Marshal(q)
	if err != nil {
		n.t.Errorf("node: %v", err)
	}
	start, err := json.Marshal(wire.AgentStartWorkloadRequest{
		Request: body, WorkloadCreds: n.cfg.Mint.Workload(n, q.Namespace, id),
	})
	if err != nil {
		n.t.Errorf("node: %v", err)
	}
	m, err := n.nc.Request(wire.Start(n.ID, a.id, id), start, n.cfg.Times.Start)
	if err != nil {
		n.refuse(r, err, wire.CodeInternal, "failed to publish start workload request")
		return
	}
	if err := r.Respond(m.Data, micro.WithHeaders(micro.Headers(m.Header))); err != nil {
		n.t.Logf("node: %v", err)
		return // and stores nothing
	}
	n.cfg.State.put(q.Type, id, body) // refused or not
}

// foreign reports whether the body names another namespace than the subject, and refuses it then; in the
// administrator's namespace it may.
func (n *Node) foreign(r micro.Request, subject, body string) bool {
	if subject == body || subject == wire.System {
		return false
	}
	n.refuse(r, errText("namespace mismatch"), wire.CodeForbidden,
		fmt.Sprintf("namespace mismatch: %s != %s", subject, body))
	return true
}

func (n *Node) stop(r micro.Request) {
	namespace, id := namespaceOf(r.Subject()), wire.Last(r.Subject())
	q, err := wire.Decode[wire.StopWorkloadRequest](r.Data())
	if err != nil {
		n.refuse(r, err, wire.CodeBadRequest, "failed to unmarshal stop workload request")
		return
	}
	if n.foreign(r, namespace, q.Namespace) {
		return
	}
	answer := wire.StopWorkloadResponse{ID: id, Message: wire.NotFound}
	if agents := n.count(); agents > 0 {
		err := scatter(n.nc, wire.Stop(n.ID, id), r.Data(), agents, n.cfg.Times.Scatter, func(m *nats.Msg) bool {
			var a wire.StopWorkloadResponse
			if json.Unmarshal(m.Data, &a) != nil || !a.Stopped {
				return true
			}
			answer = a
			return false
		})
		if err != nil {
			n.t.Logf("node: stop: %v", err)
		}
	}
	if n.respond(r, answer) { // a request without a reply subject stops the workload, but it stays stored
		n.cfg.State.remove(answer.Type, id)
	}
}

func (n *Node) list(r micro.Request) {
	q, err := wire.Decode[wire.AgentListWorkloadsRequest](r.Data())
	if err != nil {
		n.refuse(r, err, wire.CodeBadRequest, "failed to unmarshal ping request")
		return
	}
	if n.foreign(r, namespaceOf(r.Subject()), q.Namespace) {
		return
	}
	agents := n.count()
	if agents == 0 {
		n.refuse(r, errText("no agents"), wire.CodeInternal, "failed to publish query workloads request")
		return
	}
	all := []wire.WorkloadSummary{}
	err = scatter(n.nc, wire.Query(n.ID), r.Data(), agents, n.cfg.Times.Scatter, func(m *nats.Msg) bool {
		if list, err := wire.DecodeList(m.Data); err == nil { // else the agent's whole list is skipped
			all = append(all, list...)
		}
		return true
	})
	if err != nil {
		n.t.Logf("node: list: %v", err)
	}
	n.respond(r, all)
}

func (n *Node) clone(r micro.Request) {
	namespace, id := namespaceOf(r.Subject()), wire.Last(r.Subject())
	q, err := wire.Decode[wire.CloneWorkloadRequest](r.Data())
	if err != nil {
		n.refuse(r, err, wire.CodeBadRequest, "failed to unmarshal clone workload request")
		return
	}
	if n.foreign(r, namespace, q.Namespace) {
		return
	}
	m, err := n.nc.Request(wire.Get(n.ID, id), r.Data(), n.cfg.Times.Get)
	if err != nil || m.Header.Get(micro.ErrorHeader) == wire.NotFound {
		return
	}
	var body wire.StartWorkloadRequest
	if err := json.Unmarshal(m.Data, &body); err != nil {
		n.refuse(r, err, wire.CodeInternal, "failed to unmarshal workload definition from agent")
		return
	}
	if body.Namespace != namespace && namespace != wire.System {
		return
	}
	if err := r.Respond(m.Data); err != nil {
		n.t.Logf("node: %v", err)
	}
}

package nexlet

import (
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"natster/internal/supervise"
	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

// serve subscribes to all requests of a node to its agents.
func (n *Nexlet) serve(nc *nats.Conn, reg registration, ducked chan<- time.Duration) (micro.Service, error) {
	service, err := micro.AddService(nc, micro.Config{
		Name: agentName, Version: n.cfg.Version, Description: "hosts Natster's functions and catalogs on a Nex node",
		QueueGroup: reg.Agent,
	})
	if err != nil {
		return nil, err
	}
	type endpoint struct {
		name, subject string
		handle        func(micro.Request) error
	}
	endpoints := []endpoint{
		{"StartWorkload", wire.Start(reg.Node, reg.Agent, "*"), n.start},
		{"StopWorkload", wire.Stop(reg.Node, "*"), n.stop},
		{"GetWorkload", wire.Get(reg.Node, "*"), n.get},
		{"QueryWorkloads", wire.Query(reg.Node), n.query},
		{"PingAllAgents", wire.PingAgents(reg.Node), n.ping},
		{"PingAgent", wire.PingAgent(reg.Node, reg.Agent), n.ping},
		{"SetLameduck", wire.SetLameduck(reg.Node), func(m micro.Request) error { return n.lameduck(m, ducked) }},
	}
	if n.cfg.Remote != nil {
		endpoints = append(endpoints, endpoint{"WorkloadDiscovery", wire.Find(n.cfg.Remote.Nexus, "*"), n.find})
	}
	for _, e := range endpoints {
		h := micro.HandlerFunc(func(m micro.Request) {
			if err := n.handle(m, e.handle); err != nil {
				n.log.Warn("request not answered", "subject", m.Subject(), "err", err)
			}
		})
		if err := service.AddEndpoint(e.name, h, micro.WithEndpointSubject(e.subject)); err != nil {
			return nil, fmt.Errorf("subscribe %s: %w", e.subject, err)
		}
	}
	return service, nil
}

// handle handles one request. A panic is an error, as it must not end the nexlet: a node restarts it only so often.
func (n *Nexlet) handle(m micro.Request, f func(micro.Request) error) (err error) {
	defer supervise.Contain(n.log, &err)
	return f(m)
}

// stop answers first and drains after: a node waits two seconds for the answer, and only if it comes forgets the
// workload.
func (n *Nexlet) stop(m micro.Request) error {
	id := wire.Last(m.Subject())
	q, err := wire.Decode[wire.StopWorkloadRequest](m.Data())
	a := wire.StopWorkloadResponse{ID: id, Type: spec.Type}
	if err != nil {
		a.Message = err.Error()
		return respondError(m, a.Message, a)
	}
	n.mu.Lock()
	w := n.workloads[id]
	switch r, refused := n.refused[id]; {
	case w != nil && w.req.Namespace == q.Namespace:
		delete(n.workloads, id)
		w.set(wire.Stopping, nil)
		n.running.Go(w.halt)
		a.Stopped = true
		if err := n.save(); err != nil {
			n.log.Error("a crash would bring back a stopped workload", "workload", id, "err", err)
		}
	case refused && r.namespace == q.Namespace:
		delete(n.refused, id)
		a.Stopped = true
	}
	n.mu.Unlock()
	if !a.Stopped {
		a.Message = wire.NotFound
		return respondError(m, a.Message, a)
	}
	n.beatSoon()
	return m.RespondJSON(a)
}

// get answers with what a workload was deployed with. It does not answer for another agent's workload: the first reply
// wins.
func (n *Nexlet) get(m micro.Request) error {
	n.mu.Lock()
	w := n.workloads[wire.Last(m.Subject())]
	n.mu.Unlock()
	if w == nil {
		return nil
	}
	return m.Respond(w.body)
}

func (n *Nexlet) query(m micro.Request) error {
	q, err := wire.Decode[wire.AgentListWorkloadsRequest](m.Data())
	if err != nil {
		return respondError(m, err.Error(), []wire.WorkloadSummary{})
	}
	list := []wire.WorkloadSummary{}
	n.mu.Lock()
	var found []*workload
	for _, w := range n.workloads {
		if w.matches(q.Namespace, q.Filter) {
			found = append(found, w)
		}
	}
	node, agent := n.reg.Node, n.reg.Agent
	n.mu.Unlock()
	for _, w := range found {
		line := w.summary(node, agent)
		if slices.Contains(q.Filter, wire.WithLogs) {
			line.Metadata[wire.MetaLog] = w.feed.recent.text()
		}
		list = append(list, line)
	}
	return m.RespondJSON(list)
}

func (n *Nexlet) ping(m micro.Request) error { return m.RespondJSON(n.summary(), n.signed()) }

// lameduck makes the nexlet take no more work. What runs continues until the node ends.
func (n *Nexlet) lameduck(m micro.Request, ducked chan<- time.Duration) error {
	a := wire.LameduckResponse{}
	var delay time.Duration
	q, err := wire.Decode[wire.LameduckRequest](m.Data())
	if err == nil {
		delay, err = time.ParseDuration(q.Delay)
	}
	if err != nil {
		a.Message = err.Error()
		return respondError(m, a.Message, a)
	}
	n.enter(wire.AgentLameduck)
	a.Success = true
	err = m.RespondJSON(a, n.signed())
	n.beatSoon()
	select {
	case ducked <- delay:
	default: // this is not the first
	}
	return err
}

// find answers with the node if the workload is here.
func (n *Nexlet) find(m micro.Request) error {
	n.mu.Lock()
	w, node := n.workloads[wire.Last(m.Subject())], n.reg.Node
	n.mu.Unlock()
	if w == nil {
		return nil
	}
	return m.RespondJSON(wire.FindWorkloadResponse{NodeID: node})
}

// signed returns the header with the nexlet's id.
func (n *Nexlet) signed() micro.RespondOpt {
	n.mu.Lock()
	defer n.mu.Unlock()
	return micro.WithHeaders(micro.Headers{wire.HeaderAgentID: []string{n.reg.Agent}})
}

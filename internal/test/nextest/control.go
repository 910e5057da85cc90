package nextest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"natster/workloads/nexlet/wire"
)

type errText string

func (e errText) Error() string { return string(e) }

// system is how the subjects begin that exist in the administrator's namespace only.
const system = "$NEX.SVC." + wire.System + ".control."

// namespaceOf returns the namespace in a control subject.
func namespaceOf(subject string) string { return wire.Token(subject, 2) }

// serve subscribes as Nex does: every endpoint in a queue group that is the node's own, so that each node hears each
// request; requests to one endpoint one at a time.
func (n *Node) serve() error {
	service, err := micro.AddService(n.nc, micro.Config{Name: "nexnode", Version: "0.0.0", QueueGroup: n.ID})
	if err != nil {
		return err
	}
	n.service = service
	endpoints := []struct {
		name, subject string
		handle        func(micro.Request)
	}{
		{"PingNexus", wire.Ping(""), n.ping},
		{"PingNode", wire.Ping(n.ID), n.ping},
		{"PingPlacementTags", system + "PTAGS", n.placementTags},
		{"GetNodeInfo", wire.Info(n.ID), n.info},
		{"SetLameduck", wire.Lameduck(n.ID), n.lameduck},
		{"GetAgentIdByName", system + "AGENTID." + n.ID, n.agentID},
		{"AuctionRequest", wire.Auction("*"), n.auction},
		{"AuctionDeployWorkload", wire.Deploy("*", "*"), n.deploy},
		{"StopWorkload", wire.Undeploy("*", "*"), n.stop},
		{"NamespacePingRequest", wire.List("*"), n.list},
		{"CloneWorkload", wire.Clone("*", "*"), n.clone},
		{"RegisterAgent", wire.Register(n.ID, "*"), n.register},
	}
	for _, e := range endpoints {
		err := service.AddEndpoint(e.name, micro.HandlerFunc(e.handle), micro.WithEndpointSubject(e.subject))
		if err != nil {
			return err
		}
	}
	if n.cfg.Remote {
		err = service.AddEndpoint("RegisterRemoteAgent", micro.HandlerFunc(n.registerRemote),
			micro.WithEndpointSubject(wire.RegisterRemote(n.cfg.Nexus)), micro.WithEndpointQueueGroup(n.cfg.Nexus))
	}
	if err == nil {
		err = n.nc.Flush()
	}
	return err
}

func (n *Node) respond(r micro.Request, body any) bool {
	err := r.RespondJSON(body)
	if err != nil {
		n.t.Logf("node: %s: %v", r.Subject(), err)
	}
	return err == nil
}

// refuse refuses as a node does: of its own faults it tells no more than an id.
func (n *Node) refuse(r micro.Request, why error, code, friendly string) {
	body := wire.ErrorBody{ErrorID: n.nextID(), Error: why.Error()}
	if strings.HasPrefix(code, "5") {
		body.Error = "internal server error"
	}
	text, err := json.Marshal(body)
	if err == nil {
		err = r.Error(code, friendly, text)
	}
	if err != nil {
		n.t.Logf("node: %s: %v", r.Subject(), err)
	}
}

func (n *Node) has(tags wire.Tags) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for k, v := range tags {
		if own, has := n.tags[k]; !has || own != v {
			return false
		}
	}
	return true
}

func (n *Node) ping(r micro.Request) {
	q, err := wire.Decode[wire.NodePingRequest](r.Data())
	if err != nil {
		n.refuse(r, err, wire.CodeBadRequest, "failed to unmarshal ping request")
		return
	}
	if !n.has(q.Filter) {
		return
	}
	agents, tags := n.count(), n.Tags()
	n.mu.Lock()
	state := n.state
	n.mu.Unlock()
	n.respond(r, wire.NodePingResponse{
		NodeID: n.ID, Version: "0.0.0", StartTime: n.Started.UTC(), State: state,
		AgentCount: agents, XKey: n.XKey, Tags: tags,
	})
}

func (n *Node) placementTags(r micro.Request) { n.respond(r, n.Tags()) }

func (n *Node) info(r micro.Request) {
	n.respond(r, wire.NodeInfoResponse{
		NodeID: n.ID, Version: "0.0.0", Uptime: time.Since(n.Started).String(), XKey: n.XKey, Tags: n.Tags(),
		Agents: n.summaries(),
	})
}

func (n *Node) agentID(r micro.Request) {
	name := string(r.Data())
	if name == "" {
		n.refuse(r, errText("agent name is required"), wire.CodeBadRequest, "agent name is required")
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, a := range n.agents {
		if a.request.Name == name {
			if err := r.Respond([]byte(id)); err != nil {
				n.t.Logf("node: %v", err)
			}
			return
		}
	}
}

func (n *Node) lameduck(r micro.Request) {
	q, err := wire.Decode[wire.LameduckRequest](r.Data())
	if err != nil {
		n.refuse(r, err, wire.CodeBadRequest, "failed to unmarshal lameduck request")
		return
	}
	if !n.has(q.Tag) {
		return
	}
	delay, err := time.ParseDuration(q.Delay)
	if err != nil {
		n.refuse(r, err, wire.CodeBadRequest, "failed to parse lameduck delay")
		return
	}
	told, err := json.Marshal(wire.LameduckRequest{Delay: delay.String(), Tag: q.Tag})
	if err != nil {
		n.t.Errorf("node: %v", err)
	}
	if agents := n.count(); agents > 0 {
		if err := scatter(n.nc, wire.SetLameduck(n.ID), told, agents, n.cfg.Times.Scatter, func(m *nats.Msg) bool {
			if m.Header.Get(wire.HeaderAgentID) == "" {
				n.t.Logf("node: an agent's lameduck reply has no %s header", wire.HeaderAgentID)
			}
			return true
		}); err != nil {
			n.t.Logf("node: lameduck: %v", err)
		}
	}
	at := time.Now().Add(delay)
	n.mu.Lock()
	n.state = "lameduck"
	n.mu.Unlock()
	n.event(n.ID, wire.NodeLameduckSet, map[string]any{"id": n.ID, "time": at})
	n.loops.Go(func() {
		select {
		case <-n.quit:
		case <-time.After(delay):
			go n.Stop() // it waits for this goroutine, too
		}
	})
	n.mu.Lock()
	n.tags[wire.TagLameduck] = "true"
	n.mu.Unlock()
	n.respond(r, wire.LameduckResponse{
		Success: true,
		Message: fmt.Sprintf("node entering lameduck mode, will shutdown at %s", at.Format(time.DateTime)),
	})
}

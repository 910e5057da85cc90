package nexlet

import (
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go/micro"

	"natster/internal/brief"
	"natster/workloads/nexlet/wire"
)

// maxRefused bounds how many refused starts are remembered.
const maxRefused = 1000

// A refusal is a start that was refused. The node stores it all the same, after it has forwarded the refusal, and would
// start it again when it restarts.
type refusal struct {
	namespace string
	at        time.Time
	disowned  bool // the node was asked to stop it
}

// refuse answers with the error. A later request to stop the workload is answered with success, so that the node
// forgets it.
func (n *Nexlet) refuse(m micro.Request, id, namespace, name string, err error) error {
	n.mu.Lock()
	if len(n.refused) < maxRefused {
		n.refused[id] = refusal{namespace: namespace, at: time.Now()}
	}
	n.mu.Unlock()
	n.log.Info("start refused", "workload", id, "name", name, "err", err)
	return respondError(m, err.Error(), wire.StartWorkloadResponse{ID: id, Name: name})
}

// disown stops what was refused a while ago and was not stopped since: the stock CLI does not do it. It does so once
// for each, and only where our user may.
func (n *Nexlet) disown() {
	n.mu.Lock()
	old := make(map[string]string)
	for id, r := range n.refused {
		if r.disowned || time.Since(r.at) < n.cfg.Beat {
			continue
		}
		r.disowned = true
		n.refused[id] = r
		if wire.IsToken(r.namespace) && n.mayPublish(wire.Undeploy(r.namespace, id)) {
			old[id] = r.namespace
		}
	}
	nc := n.nc
	n.mu.Unlock()
	for id, namespace := range old {
		body := marshal(wire.StopWorkloadRequest{Namespace: namespace})
		// A node forgets a workload only when it can answer; the answer itself is not needed.
		if err := nc.PublishRequest(wire.Undeploy(namespace, id), nc.NewRespInbox(), body); err != nil {
			n.log.Debug("a refused start stays stored", "workload", id, "err", err)
		}
	}
}

// respondError refuses a request. The body is of the type that a success would have.
func respondError(m micro.Request, message string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return m.Error(wire.CodeAgent, brief.Line(message), text)
}

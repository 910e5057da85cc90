package nexlet

import (
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go/micro"

	"natster/workloads/nexlet/wire"
)

// mostRefused bounds what is remembered of refused starts.
const mostRefused = 1000

// A refusal is a start that was refused. The node stores it all the same, after it has passed the refusal on, and would
// bring it back at its next start.
type refusal struct {
	namespace string
	at        time.Time
	disowned  bool
}

// refuse answers why not. Whoever stops it then is told that it is stopped, and the node forgets it.
func (n *Nexlet) refuse(m micro.Request, id, namespace, name string, why error) error {
	n.mu.Lock()
	if len(n.refused) < mostRefused {
		n.refused[id] = refusal{namespace: namespace, at: time.Now()}
	}
	n.mu.Unlock()
	n.log.Info("start refused", "workload", id, "name", name, "why", why)
	return respondError(m, why.Error(), wire.StartWorkloadResponse{ID: id, Name: name})
}

// disown stops what was refused a while ago and nobody has stopped since, as the stock CLI does not; each once, and only
// where our user may.
func (n *Nexlet) disown() {
	n.mu.Lock()
	old := make(map[string]string)
	for id, r := range n.refused {
		if r.disowned || time.Since(r.at) < n.cfg.Beat {
			continue
		}
		r.disowned = true
		n.refused[id] = r
		if !wire.IsToken(r.namespace) {
			continue
		}
		if len(n.cfg.NexCreds) > 0 || mayPublish(n.reg.Connection.JWT, wire.Undeploy(r.namespace, id)) {
			old[id] = r.namespace
		}
	}
	nc := n.nc
	n.mu.Unlock()
	for id, namespace := range old {
		body, err := json.Marshal(wire.StopWorkloadRequest{Namespace: namespace})
		if err != nil {
			panic(err) // a string
		}
		// A node that has nowhere to answer forgets nothing; nobody needs the answer.
		if err := nc.PublishRequest(wire.Undeploy(namespace, id), nc.NewRespInbox(), body); err != nil {
			n.log.Debug("a refused start stays stored", "workload", id, "err", err)
		}
	}
}

// respondError refuses with the body of the type that a success would have.
func respondError(m micro.Request, why string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return m.Error(wire.CodeAgent, headerLine(why), text)
}

// headerLine makes a sentence fit for a header.
func headerLine(s string) string {
	line := []rune(s)
	for i, c := range line {
		if c < ' ' {
			line[i] = ' '
		}
	}
	return string(line)
}

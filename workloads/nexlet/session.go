package nexlet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

// errNodeLost means that a remote nexlet's node is gone, or does not know the nexlet any more.
var errNodeLost = errors.New("the node is gone")

const (
	secondBeat   = 300 * time.Millisecond // after the first, which the node may have missed
	flushTimeout = 2 * time.Second
)

// session serves the node of one registration until ctx is done, the node is gone, or its lameduck is over.
func (n *Nexlet) session(ctx context.Context, reg registration) error {
	nc, err := dialNex(reg.Connection, n.cfg.NexCreds, nats.MaxReconnects(-1), nats.RetryOnFailedConnect(false),
		nats.ReconnectHandler(func(*nats.Conn) { n.beatSoon() }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { n.log.Warn("Nex's NATS", "err", err) }))
	if err != nil {
		return err
	}
	defer nc.Close()
	alive := make(chan bool, 1)
	if n.cfg.Remote != nil {
		if err := n.listenToNode(nc, reg, alive); err != nil {
			return err
		}
	}
	closed := nc.StatusChanged(nats.CLOSED)
	defer nc.RemoveStatusListener(closed)

	n.mu.Lock()
	n.nc, n.reg = nc, reg
	n.state = wire.AgentRunning
	n.mu.Unlock()
	ducked := make(chan time.Duration, 1)
	service, err := n.serve(nc, reg, ducked)
	if err != nil {
		return err
	}
	if err := nc.FlushTimeout(flushTimeout); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	n.beat()
	n.restore(reg.Workloads)
	n.beat()

	err = n.live(ctx, ducked, alive, closed)
	if !errors.Is(err, errNodeLost) {
		n.enter(wire.AgentStopping)
		n.beat()
		n.haltAll()
	}
	err = errors.Join(err, service.Stop())
	if flush := nc.FlushTimeout(flushTimeout); flush != nil && !nc.IsClosed() {
		n.log.Warn("last messages not delivered", "err", flush)
	}
	return err
}

// live sends heartbeats until the session ends.
func (n *Nexlet) live(
	ctx context.Context, ducked <-chan time.Duration, alive <-chan bool, closed <-chan nats.Status,
) error {
	beat := time.NewTicker(n.cfg.Beat)
	defer beat.Stop()
	second := time.NewTimer(secondBeat)
	defer second.Stop()
	silence := time.NewTimer(n.cfg.Silence)
	defer silence.Stop()
	if n.cfg.Remote == nil {
		silence.Stop()
	}
	var over <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-closed:
			return errors.New("the NATS of Nex closed the connection for good: the credentials were withdrawn")
		case <-beat.C:
			n.beat()
			n.disown()
		case <-second.C:
			n.beat()
		case <-n.poke:
			n.beat()
		case delay := <-ducked:
			if n.cfg.Remote != nil { // a local nexlet is interrupted by its node
				over = time.After(delay)
			}
		case <-over:
			n.log.Info("lameduck is over")
			return nil
		case known := <-alive:
			if !known {
				return errNodeLost
			}
			silence.Reset(n.cfg.Silence)
		case <-silence.C:
			return errNodeLost
		}
	}
}

// listenToNode follows the node's own heartbeats, where that is permitted, and sends whether it knows this nexlet: a
// node that was restarted does not, and one that is silent is gone.
func (n *Nexlet) listenToNode(nc *nats.Conn, reg registration, alive chan<- bool) error {
	_, err := nc.Subscribe(wire.NodeHeartbeat(reg.Node), func(m *nats.Msg) {
		var body wire.NodeHeartbeatBody
		err := json.Unmarshal(m.Data, &body)
		select {
		case alive <- err != nil || strings.Contains(body.Registrations, reg.Agent+" "):
		default: // the next one says it again
		}
	})
	return err
}

func (n *Nexlet) beat() {
	n.mu.Lock()
	subject := wire.Heartbeat(n.reg.Node, n.reg.Agent)
	n.mu.Unlock()
	n.publish(subject, marshal(wire.AgentHeartbeat{Summary: n.summary(), Data: "{}"}))
}

// beatSoon makes live send a heartbeat now.
func (n *Nexlet) beatSoon() {
	select {
	case n.poke <- struct{}{}:
	default:
	}
}

func (n *Nexlet) enter(state string) {
	n.mu.Lock()
	n.state = state
	n.mu.Unlock()
}

func (n *Nexlet) summary() wire.AgentSummary {
	n.mu.Lock()
	defer n.mu.Unlock()
	return wire.AgentSummary{
		Name:                agentName,
		Type:                spec.Type,
		Version:             n.cfg.Version,
		StartTime:           n.started.UTC(),
		State:               n.state,
		SupportedLifecycles: string(wire.Function) + "," + string(wire.Service),
		WorkloadCount:       len(n.workloads),
	}
}

// restore starts workloads again under their old ids. Those that run already are left alone; those that cannot run are
// kept, so that they are listed and can be stopped.
func (n *Nexlet) restore(existing map[string]json.RawMessage) {
	for id, body := range existing {
		n.mu.Lock()
		_, runs := n.workloads[id]
		n.mu.Unlock()
		if runs {
			continue
		}
		w, err := n.prepare(id, body)
		if err != nil {
			w.run = nil
			w.set(wire.Failed, err)
			w.log.Error("cannot be restored", "err", err)
			n.log.Error("a workload cannot be restored", "workload", id, "name", w.req.Name, "err", err)
		}
		n.mu.Lock()
		n.launch(w)
		n.mu.Unlock()
		w.announce(true)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.save(); err != nil {
		n.log.Error("a crash would lose the workloads", "err", err)
	}
}

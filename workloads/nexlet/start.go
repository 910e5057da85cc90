package nexlet

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/micro"

	"natster/internal/brief"
	"natster/internal/supervise"
	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

// start answers at once; the workload becomes ready, or fails, in the background.
func (n *Nexlet) start(m micro.Request) error {
	id := wire.Last(m.Subject())
	var q wire.AgentStartWorkloadRequest
	if err := json.Unmarshal(m.Data(), &q); err != nil {
		return n.refuse(m, id, "", "", fmt.Errorf("the request is not the JSON that it should be: %w", err))
	}
	n.mu.Lock()
	w, again := n.workloads[id]
	n.mu.Unlock()
	if !again {
		var err error
		if w, err = n.prepare(id, q.Request); err == nil {
			err = n.take(w)
		}
		if err != nil {
			return n.refuse(m, id, w.req.Namespace, w.req.Name, err)
		}
		w.announce(false)
		n.beatSoon()
	}
	return m.RespondJSON(wire.StartWorkloadResponse{ID: id, Name: w.req.Name})
}

// prepare makes a workload of a deploy body. The error, a sentence for the person who deploys, says why it cannot run
// here; the workload beside it can still be listed and stopped.
func (n *Nexlet) prepare(id string, body json.RawMessage) (*workload, error) {
	w := &workload{
		n: n, id: id, body: body, started: time.Now(), meter: newMeter(), state: wire.Starting,
		done: make(chan struct{}),
	}
	req, err := wire.Decode[wire.StartWorkloadRequest](body)
	start, invalid := spec.Parse(req.RunRequest)
	w.req, w.start = req, start
	w.req.Name = cmp.Or(req.Name, start.Name())
	w.feed = &feed{publish: n.publish, owner: n.feedOwner(w.req.Namespace), id: id, ns: w.req.Namespace}
	w.log = w.feed.logger(level(w.start.Config)).With("workload", w.req.Name)
	if err == nil {
		err = invalid
	}
	if err == nil {
		err = w.acceptable()
	}
	if err == nil {
		err = w.choose()
	}
	return w, err
}

// acceptable returns an error that says what is wrong with what the workload was deployed with.
func (w *workload) acceptable() error {
	switch {
	case len(w.body) > wire.MaxStored:
		return fmt.Errorf("the deploy has %d bytes, and a node stores at most %d: it would be forgotten when the "+
			"node restarts", len(w.body), wire.MaxStored)
	case !wire.IsToken(w.req.Namespace):
		return fmt.Errorf("namespace %q: it has to be one word without dots and wildcards", w.req.Namespace)
	case w.req.Lifecycle != w.start.Lifecycle():
		return fmt.Errorf("lifecycle %q: %s has lifecycle %q", w.req.Lifecycle, w.start.Name(), w.start.Lifecycle())
	}
	return nil
}

// choose opens what is sealed in the start request, and checks that the function or catalog can run here.
func (w *workload) choose() (err error) {
	if sealed := w.start.Environment; sealed != nil {
		if w.env, err = sealed.Open(w.n.curve, w.req.Name); err != nil {
			return err
		}
	}
	if w.start.Catalog != nil {
		w.run = &catalogRun{w: w}
	} else if w.run, err = newFunctionRun(w); err != nil {
		return err
	}
	return w.run.check()
}

// take starts w and saves it. It does not start a workload that cannot be saved: a crash would lose it.
func (n *Nexlet) take(w *workload) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.state != wire.AgentRunning {
		return fmt.Errorf("this nexlet is about to end (%s) and takes no more work: deploy again", n.state)
	}
	n.workloads[w.id] = w
	if err := n.save(); err != nil {
		delete(n.workloads, w.id)
		return err
	}
	n.launch(w)
	return nil
}

// launch runs w in the background. The caller holds mu, so that haltAll sees all that runs.
func (n *Nexlet) launch(w *workload) {
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	n.workloads[w.id] = w
	n.running.Go(func() { w.supervise(ctx) })
}

// supervise runs the workload until ctx is done, and its meter beside it.
func (w *workload) supervise(ctx context.Context) {
	defer close(w.done)
	metering, stop := context.WithCancel(context.WithoutCancel(ctx))
	var meter sync.WaitGroup
	meter.Go(func() { w.meter.run(metering, w.n.cfg.Sample, w.feed.triggered) })
	defer meter.Wait()
	defer stop()

	if w.run == nil {
		<-ctx.Done()
		return
	}
	config := supervise.Config{Logger: w.log, Pause: w.n.cfg.Pause, Report: w.report}
	supervise.Run(ctx, config, func(ctx context.Context, ready func()) error {
		w.mu.Lock()
		w.runs++
		w.mu.Unlock()
		return w.run.run(ctx, ready)
	})
}

// report records that the workload is ready, or has ended by itself.
func (w *workload) report(err error) {
	if err != nil {
		w.set(wire.Failed, err)
		return
	}
	w.log.Info("ready")
	w.set(wire.Running, nil)
}

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

package nexlet

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"natster/internal/supervise"
	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

// A runnable is one kind of workload. It may run several times, one after the other.
type runnable interface {
	// check fails when it cannot run here, as far as can be told at once.
	check() error
	// run runs until ctx is done, and then drains. It calls ready when it does what it is for.
	run(ctx context.Context, ready func()) error
	// describe adds to the metadata of the list.
	describe(meta map[string]string)
}

// A workload is one that Nex started here.
type workload struct {
	id      string
	body    json.RawMessage // what it was deployed with, as it came
	req     wire.StartWorkloadRequest
	start   spec.Start
	run     runnable // nil: it never can; why is in err
	started time.Time
	feed    *feed
	meter   *meter
	log     *slog.Logger
	pause   func(attempt int) time.Duration

	cancel context.CancelFunc
	done   chan struct{} // closed when nothing of it runs

	mu    sync.Mutex
	state wire.WorkloadState
	err   error
	runs  int // begun
}

func (w *workload) set(s wire.WorkloadState, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state, w.err = s, err
}

// supervise runs the workload until ctx is done, and its meter beside it.
func (w *workload) supervise(ctx context.Context, sample time.Duration) {
	defer close(w.done)
	metering, stop := context.WithCancel(context.WithoutCancel(ctx))
	var meter sync.WaitGroup
	meter.Go(func() { w.meter.run(metering, sample, w.feed.triggered) })
	defer meter.Wait()
	defer stop()

	if w.run == nil {
		<-ctx.Done()
		return
	}
	supervise.Run(ctx, supervise.Config{Logger: w.log, Pause: w.pause, Report: w.report}, func(ctx context.Context, ready func()) error {
		w.mu.Lock()
		w.runs++
		w.mu.Unlock()
		return w.run.run(ctx, ready)
	})
}

// report takes note that the workload is ready, or has ended by itself.
func (w *workload) report(err error) {
	if err != nil {
		w.set(wire.Failed, err)
		return
	}
	w.log.Info("ready")
	w.set(wire.Running, nil)
}

// summary is its line in a list.
func (w *workload) summary(node, agent, version string) wire.WorkloadSummary {
	w.mu.Lock()
	state, err, restarts := w.state, w.err, w.runs-1
	w.mu.Unlock()
	t := w.meter.tally()
	meta := map[string]string{
		"spec":    w.start.Fingerprint(),
		"version": version,
		"node":    node,
		"agent":   agent,
		"runs":    strconv.FormatUint(t.runs, 10),
		"errors":  strconv.FormatUint(t.errors, 10),
	}
	if !t.last.IsZero() {
		meta["last_run"] = t.last.UTC().Format(time.RFC3339)
	}
	if t.lastError != "" {
		meta["last_error"] = t.lastError
	}
	if err != nil {
		meta["error"] = err.Error()
	}
	if restarts > 0 {
		meta["restarts"] = strconv.Itoa(restarts)
	}
	if w.feed.owner != w.req.Namespace {
		meta["feed"] = w.feed.owner
	}
	if w.run != nil {
		w.run.describe(meta)
	}
	tags := w.req.Tags
	if tags == nil {
		tags = wire.Tags{}
	}
	return wire.WorkloadSummary{
		ID:        w.id,
		Name:      w.req.Name,
		Namespace: w.req.Namespace,
		StartTime: w.started.UTC().Format(time.RFC3339),
		Runtime:   t.took.Round(time.Microsecond).String(),
		Type:      spec.Type,
		Lifecycle: w.req.Lifecycle,
		State:     state,
		Tags:      tags,
		Metadata:  meta,
	}
}

// matches tells whether a list of the namespace, or of all for the administrator's, has it.
func (w *workload) matches(namespace string, filter []string) bool {
	if namespace != wire.System && namespace != w.req.Namespace {
		return false
	}
	filter = slices.DeleteFunc(slices.Clone(filter), func(f string) bool { return f == wire.WithLogs })
	return len(filter) == 0 || slices.Contains(filter, w.id) || slices.Contains(filter, w.req.Name)
}

// prepare makes a workload of a deploy body. The error, a sentence for whoever deploys, says that it cannot run here;
// the workload beside it can still be listed and stopped.
func (n *Nexlet) prepare(id string, body json.RawMessage) (*workload, error) {
	w := &workload{
		id: id, body: body, started: time.Now(), meter: newMeter(),
		pause: n.cfg.Pause, state: wire.Starting, done: make(chan struct{}),
	}
	req, err := wire.Decode[wire.StartWorkloadRequest](body)
	w.req = req
	w.start, _ = spec.Parse(req.RunRequest) // the error comes again below, in its place
	if w.req.Name == "" {
		w.req.Name = w.start.Name()
	}
	w.feed = &feed{publish: n.publish, owner: n.feedOwner(w.req.Namespace), id: id, ns: w.req.Namespace}
	w.log = w.feed.logger(level(w.start.Config)).With("workload", w.req.Name)
	if err == nil {
		err = n.acceptable(w, body)
	}
	if err == nil {
		w.run, err = n.kind(w)
	}
	if err == nil {
		err = w.run.check()
	}
	return w, err
}

func (n *Nexlet) acceptable(w *workload, body json.RawMessage) error {
	start, err := spec.Parse(w.req.RunRequest)
	switch {
	case err != nil:
		return err
	case len(body) > wire.MaxStored:
		return fmt.Errorf("the deploy has %d bytes, and a node stores at most %d: it would be forgotten when the "+
			"node restarts", len(body), wire.MaxStored)
	case !wire.IsToken(w.req.Namespace):
		return fmt.Errorf("namespace %q: it has to be one word without dots and wildcards", w.req.Namespace)
	case w.req.Lifecycle != start.Lifecycle():
		return fmt.Errorf("lifecycle %q: %s has lifecycle %q", w.req.Lifecycle, w.start.Name(), start.Lifecycle())
	}
	return nil
}

// kind is what the start request asks for, with what is sealed opened.
func (n *Nexlet) kind(w *workload) (runnable, error) {
	var env map[string]string
	if sealed := w.start.Environment; sealed != nil {
		var err error
		if env, err = sealed.Open(n.curve, w.req.Name); err != nil {
			return nil, err
		}
	}
	if w.start.Catalog != nil {
		return &catalogRun{n: n, w: w, env: env}, nil
	}
	return newFunctionRun(n, w, env)
}

// launch makes it run. The caller holds mu, so that nothing starts that haltAll does not see.
func (n *Nexlet) launch(w *workload) {
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	n.workloads[w.id] = w
	n.running.Go(func() { w.supervise(ctx, n.cfg.Sample) })
}

func (w *workload) announce(restored bool) {
	meta := map[string]string{"name": w.req.Name}
	if w.start.Function != "" {
		meta["function"] = w.start.Function
	}
	w.feed.started(restored, meta)
}

// halt stops it and returns when it is drained.
func (w *workload) halt() {
	w.cancel()
	<-w.done
	w.mu.Lock()
	err := w.err
	w.mu.Unlock()
	w.feed.stopped(err)
}

// haltAll stops all workloads, at the same time, and returns when all are drained. What a crash would bring back stays
// written down.
func (n *Nexlet) haltAll() {
	n.mu.Lock()
	n.state = wire.AgentStopping
	all := n.workloads
	n.workloads = make(map[string]*workload)
	n.mu.Unlock()
	var wg sync.WaitGroup
	for _, w := range all {
		wg.Go(w.halt)
	}
	wg.Wait()
	n.running.Wait()
}

func level(c *spec.Config) slog.Level {
	l := slog.LevelInfo
	if c != nil && c.Log != "" {
		if err := l.UnmarshalText([]byte(c.Log)); err != nil {
			return slog.LevelInfo // Parse has refused it
		}
	}
	return l
}

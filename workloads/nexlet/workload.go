package nexlet

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"natster/workloads/nexlet/spec"
	"natster/workloads/nexlet/wire"
)

// A runnable is one kind of workload. It may run several times, one after the other.
type runnable interface {
	// check returns an error if it cannot run here, as far as is known before it runs.
	check() error
	// run runs until ctx is done, and then drains. It calls ready when the workload does its work.
	run(ctx context.Context, ready func()) error
	// describe adds to the metadata of the list.
	describe(meta map[string]string)
}

// A workload is one that Nex started here.
type workload struct {
	n       *Nexlet
	id      string
	body    json.RawMessage // what it was deployed with, as it came
	req     wire.StartWorkloadRequest
	start   spec.Start
	env     map[string]string // that was sealed in start
	run     runnable          // nil: it never can; why is in err
	started time.Time
	feed    *feed
	meter   *meter
	log     *slog.Logger

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

// summary returns its line in the list of the nexlet with this id at this node.
func (w *workload) summary(node, agent string) wire.WorkloadSummary {
	w.mu.Lock()
	state, err, restarts := w.state, w.err, w.runs-1
	w.mu.Unlock()
	t := w.meter.counted()
	meta := map[string]string{
		"spec":    w.start.Fingerprint(),
		"version": w.n.cfg.Version,
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

// matches reports whether a list of the namespace contains it; the administrator's namespace means all.
func (w *workload) matches(namespace string, filter []string) bool {
	if namespace != wire.System && namespace != w.req.Namespace {
		return false
	}
	filter = slices.DeleteFunc(slices.Clone(filter), func(f string) bool { return f == wire.WithLogs })
	return len(filter) == 0 || slices.Contains(filter, w.id) || slices.Contains(filter, w.req.Name)
}

// announce publishes that it was started, or restored after a crash.
func (w *workload) announce(restored bool) {
	meta := map[string]string{"name": w.req.Name, "existing": strconv.FormatBool(restored)}
	if w.start.Function != "" {
		meta["function"] = w.start.Function
	}
	w.feed.event(wire.WorkloadStarted,
		wire.WorkloadStartedEvent{ID: w.id, Namespace: w.req.Namespace, Type: spec.Type, Metadata: meta})
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

// haltAll stops all workloads, at the same time, and returns when all are drained. It leaves the state file as it is,
// so that a nexlet that is started again resumes them.
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
		_ = l.UnmarshalText([]byte(c.Log)) // Parse has refused what is not a level
	}
	return l
}

package nexlet

import (
	"context"
	"sync"
	"time"

	"natster/workloads/nexlet/wire"
)

// A meter counts a workload's runs and publishes them: the first at once, and then at most one event per interval, for
// all runs since the last. So every run is counted and no function floods the feed.
type meter struct {
	wake chan struct{} // there is something to publish

	mu sync.Mutex
	tally
	lastTook           time.Duration
	sentRuns, sentErrs uint64 // in events so far
}

func newMeter() *meter { return &meter{wake: make(chan struct{}, 1)} }

// observe counts a run. It does not block.
func (m *meter) observe(took time.Duration, err error) {
	m.mu.Lock()
	m.runs++
	m.took += took
	m.last, m.lastTook = time.Now(), took
	if err != nil {
		m.errors++
		m.lastError = err.Error()
	}
	first := m.runs == m.sentRuns+1
	m.mu.Unlock()
	if first {
		select {
		case m.wake <- struct{}{}:
		default:
		}
	}
}

// run calls emit until ctx is done, and once more for the runs since.
func (m *meter) run(ctx context.Context, every time.Duration, emit func(wire.WorkloadTriggeredEvent)) {
	defer func() { m.flush(emit) }()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.wake:
		}
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		m.flush(emit)
		pause.Reset(every)
	}
}

// flush calls emit if there were runs since the last event.
func (m *meter) flush(emit func(wire.WorkloadTriggeredEvent)) {
	m.mu.Lock()
	e := wire.WorkloadTriggeredEvent{
		Duration: float64(m.lastTook) / float64(time.Millisecond),
		Count:    m.runs - m.sentRuns,
		Errors:   m.errors - m.sentErrs,
	}
	m.sentRuns, m.sentErrs = m.runs, m.errors
	m.mu.Unlock()
	if e.Count > 0 {
		emit(e)
	}
}

// A tally is what a meter has counted.
type tally struct {
	runs, errors uint64
	took         time.Duration
	last         time.Time
	lastError    string
}

func (m *meter) counted() tally {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tally
}

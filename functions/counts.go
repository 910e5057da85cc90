package functions

import (
	"sync"
	"sync/atomic"
	"time"
)

// Counts are what a running function has done, as `nats micro stats` shows them.
type Counts struct {
	Requests  uint64        `json:"requests"`
	Messages  uint64        `json:"messages"` // events and key changes
	Errors    uint64        `json:"errors"`   // refusals included
	Poisoned  uint64        `json:"poisoned"`
	Took      time.Duration `json:"took"` // nanoseconds in handlers
	LastError string        `json:"last_error,omitempty"`
	LastRun   time.Time     `json:"last_run,omitzero"`
}

type counters struct {
	requests, messages, errors, poisoned atomic.Uint64
	took, lastRun                        atomic.Int64

	mu        sync.Mutex
	lastError string
}

func (c *counters) snapshot() Counts {
	s := Counts{
		Requests: c.requests.Load(),
		Messages: c.messages.Load(),
		Errors:   c.errors.Load(),
		Poisoned: c.poisoned.Load(),
		Took:     time.Duration(c.took.Load()),
	}
	if at := c.lastRun.Load(); at != 0 {
		s.LastRun = time.Unix(0, at).UTC()
	}
	c.mu.Lock()
	s.LastError = c.lastError
	c.mu.Unlock()
	return s
}

func (r *Runner) observe(kind Kind, took time.Duration, err error) {
	c := &r.counts
	if kind == KindRequest {
		c.requests.Add(1)
	} else {
		c.messages.Add(1)
	}
	c.took.Add(int64(took))
	c.lastRun.Store(r.cfg.Now().UnixNano())
	if err != nil {
		c.errors.Add(1)
		c.mu.Lock()
		c.lastError = err.Error()
		c.mu.Unlock()
	}
	if r.cfg.Observe != nil {
		r.cfg.Observe(Observation{Function: r.fn.Name, Trigger: kind, Took: took, Err: err})
	}
}

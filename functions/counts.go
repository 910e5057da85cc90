package functions

import (
	"sync"
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

// counters are counts that many goroutines change.
type counters struct {
	mu sync.Mutex
	Counts
}

func (c *counters) snapshot() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Counts
}

func (c *counters) change(f func(*Counts)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.Counts)
}

// observe counts one trigger handled.
func (r *Runner) observe(kind Kind, took time.Duration, err error) {
	r.counts.change(func(c *Counts) {
		if kind == KindRequest {
			c.Requests++
		} else {
			c.Messages++
		}
		c.Took += took
		c.LastRun = r.cfg.Now().UTC()
		if err != nil {
			c.Errors++
			c.LastError = err.Error()
		}
	})
	if r.cfg.Observe != nil {
		r.cfg.Observe(took, err)
	}
}

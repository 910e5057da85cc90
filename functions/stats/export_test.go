package stats

import (
	"context"

	"natster/functions"
	"natster/functions/view"
)

// A Counter is the function as far as it counts running catalogs.
type Counter struct{ f *stats }

// NewCounter returns a Counter on h.
func NewCounter(h functions.Host) Counter { return Counter{&stats{host: h}} }

// Keep stores a mark unless there is a later one.
func (c Counter) Keep(ctx context.Context, key string, mark view.OnlineMark) error {
	return c.f.keep(ctx, key, mark)
}

// Observe counts a change of presence.
func (c Counter) Observe(ctx context.Context, change functions.Change) error {
	return c.f.observe(ctx, change)
}

// Counted returns the total, and the mark that is kept of a catalog.
func (c Counter) Counted(ctx context.Context, key string) (total int64, mark view.OnlineMark, err error) {
	s, err := c.f.counted(ctx, key)
	return s.Total, s.mark, err
}

// Reconcile counts off what went offline unheard.
func (c Counter) Reconcile(ctx context.Context) error { return c.f.reconcile(ctx) }

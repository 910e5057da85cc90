package stats

import (
	"natster/events"
	"natster/functions/projection"
	"natster/functions/view"
)

// Projection is the totals that follow from the log. The log holds no event that changes nothing (a second share of
// what is shared, for instance): eventwriter sees to that, and so counting is adding.
func Projection() projection.Projection[view.LogTotals] {
	return projection.Projection[view.LogTotals]{Bucket: view.Stats, Keys: keys, Apply: apply}
}

func keys(e events.Envelope) []string {
	switch e.Type {
	case events.Initialized, events.Shared, events.Unshared:
		return []string{view.TotalsKey}
	}
	return nil
}

func apply(_ string, d view.LogTotals, e events.Envelope) (view.LogTotals, bool, error) {
	switch e.Type {
	case events.Initialized:
		d.Accounts++
	case events.Shared:
		d.Shares++
	case events.Unshared:
		d.Shares--
	}
	return d, true, nil
}

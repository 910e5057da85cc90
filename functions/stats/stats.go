package stats

import (
	"context"
	"errors"
	"fmt"

	"natster/functions"
	"natster/functions/api"
	"natster/functions/projection"
	"natster/functions/view"
)

// stats is an instance: a fold of the log, and a count of what is in no event.
type stats struct {
	*projection.Live[view.LogTotals]
	host functions.Host
}

const name = "stats"

// New returns the function.
func New() functions.Function {
	return functions.Function{
		Name: name,
		Doc:  "keeps totals of accounts, shares and running catalogs, and tells them",
		Triggers: []functions.Trigger{
			functions.OnLog((*stats).Handle, (*stats).Ahead),
			functions.OnKey(view.Presence, (*stats).observe),
			functions.Request(api.Stats, (*stats).answer),
		},
		Access: functions.Access{
			ReadsLog: true,
			Writes:   []view.Bucket{view.Stats, view.Online},
			Reads:    []view.Bucket{view.Presence},
		},
		New: open,
	}
}

func open(ctx context.Context, h functions.Host) (functions.Instance, error) {
	live, err := Projection().Live(ctx, h, name)
	if err != nil {
		return nil, err
	}
	s := &stats{live, h}
	if err := s.reconcile(ctx); ctx.Err() != nil {
		return nil, errors.Join(context.Cause(ctx), s.Close())
	} else if err != nil {
		h.Logger.Warn("catalogs that went offline while nobody counted may be counted as running", "err", err)
	}
	return s, nil
}

// answer reads three documents.
func (f *stats) answer(ctx context.Context, call *functions.Call, _ api.None) (api.Totals, error) {
	log, _, err := functions.ReadOne[view.LogTotals](ctx, call, view.Stats, view.TotalsKey)
	if err != nil {
		return api.Totals{}, err
	}
	running, err := f.counted(ctx)
	if err != nil {
		return api.Totals{}, fmt.Errorf("running catalogs: %w", err)
	}
	return api.Totals{
		Accounts: log.Accounts, Running: running.Total, Shares: log.Shares, Limits: f.host.Limits.OfAccount(),
	}, nil
}

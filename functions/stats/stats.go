package stats

import (
	"context"
	"errors"
	"fmt"
	"time"

	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
)

type stats struct {
	host functions.Host
}

// New returns the function.
func New() functions.Function {
	s := &stats{}
	f := Projection().Function("stats", "keeps totals of accounts, shares and running catalogs, and tells them")
	f.Triggers = append(f.Triggers,
		functions.OnKey(view.Presence, s.observe),
		functions.Request(api.Stats, s.answer))
	f.Access.Writes = append(f.Access.Writes, view.Online)
	open := f.Open
	f.Open = func(h functions.Host) error {
		s.host = h
		return open(h)
	}
	return f
}

// waitFor is how long a caller's own event may take to be counted.
const waitFor = 3 * time.Second

// answer reads two documents.
func (f *stats) answer(ctx context.Context, call *functions.Call, _ api.None) (api.Totals, error) {
	ctx, cancel := context.WithTimeout(ctx, waitFor)
	defer cancel()
	s, err := f.host.Views.Read(ctx, view.Stats, call.MinPosition, view.TotalsKey)
	switch {
	case errors.Is(err, view.ErrBehind), ctx.Err() != nil:
		return api.Totals{}, api.Errorf(api.ErrUnavailable, "the totals do not reflect position %d of the log yet: try again", call.MinPosition)
	case err != nil:
		return api.Totals{}, err
	}
	var log view.LogTotals
	for _, f := range s.Found {
		doc, _, err := view.Doc[view.LogTotals](f)
		if err != nil {
			return api.Totals{}, err
		}
		log = doc.Doc
	}
	running, _, err := f.counted(ctx)
	if err != nil {
		return api.Totals{}, fmt.Errorf("running catalogs: %w", err)
	}
	call.Reflects(s.Position)
	return api.Totals{Accounts: log.Accounts, Running: running.total, Shares: log.Shares}, nil
}

package stats

import (
	"context"
	"fmt"

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
	f.Access.Reads = append(f.Access.Reads, view.Presence)
	open := f.Open
	f.Open = func(h functions.Host) error {
		s.host = h
		if err := open(h); err != nil {
			return err
		}
		if err := s.reconcile(); err != nil {
			h.Logger.Warn("catalogs that went offline while nobody counted may be counted as running", "err", err)
		}
		return nil
	}
	return f
}

// answer reads three documents.
func (f *stats) answer(ctx context.Context, call *functions.Call, _ api.None) (api.Totals, error) {
	s, err := call.Read(ctx, f.host.Views, view.Stats, view.TotalsKey)
	if err != nil {
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
	running, err := f.counted(ctx)
	if err != nil {
		return api.Totals{}, fmt.Errorf("running catalogs: %w", err)
	}
	return api.Totals{Accounts: log.Accounts, Running: running.Total, Shares: log.Shares}, nil
}

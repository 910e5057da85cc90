package stats

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"natster/functions"
	"natster/functions/view"
)

// reconcile counts the catalogs off that went offline unheard: the presence bucket keeps the marker of what expired no
// longer than anything else in it, and so the function may have been down for too long to hear of it. It happens once,
// at the start. A catalog that comes online in this moment may be counted off, until its next heartbeat.
func (f *stats) reconcile(ctx context.Context) error {
	const timeout, page = 30 * time.Second, 500
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := f.keepLatest(ctx); err != nil {
		return err
	}
	for from := uint64(1); ; {
		all := view.Online.Subject(view.OnlineMarkKey(">"))
		marks, err := f.host.Direct.Range(ctx, view.Online.Stream(), all, from, page)
		if err != nil || len(marks) == 0 {
			return err
		}
		from = marks[len(marks)-1].Sequence + 1
		since := make(map[string]int64)
		for _, m := range marks {
			var mark view.OnlineMark
			if err := json.Unmarshal(m.Data, &mark); err != nil {
				return fmt.Errorf("%s: %w", m.Subject, err)
			}
			if mark.Online {
				since[view.OnlineMarked(view.Online.Key(m.Subject))] = mark.At
			}
		}
		if len(since) == 0 {
			continue
		}
		present, err := f.host.Views.Entries(ctx, view.Presence, slices.Collect(maps.Keys(since))...)
		if err != nil {
			return err
		}
		for _, p := range present {
			delete(since, p.Key)
		}
		for key, at := range since {
			if err := f.observe(ctx, functions.Change{Key: key, Gone: true, Time: time.Unix(0, at+1)}); err != nil {
				return err
			}
		}
	}
}

// keepLatest stores the mark beside the total under its own key, too.
func (f *stats) keepLatest(ctx context.Context) error {
	s, err := f.counted(ctx)
	if err != nil || s.PresenceKey == "" {
		return err
	}
	return f.keep(ctx, s.PresenceKey, s.Mark)
}

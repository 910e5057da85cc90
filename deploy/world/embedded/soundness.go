package embedded

import (
	"context"
	"time"

	"natster/events"
	"natster/functions/api"
	"natster/functions/projection"
	"natster/functions/view"
)

// soundAgain is how often a world whose log lost its end looks whether that was dealt with.
const soundAgain = time.Second

// inspect looks at the log before the functions go on with it, at a cost that does not grow with it, and tells whether
// it may be appended to. Of events that are lost it only tells: that helps nobody who would not start. But a log that
// ends before what the projections have seen may not grow: new events would take the positions of the lost ones, and
// pass for known. Everything else goes on meanwhile, and a rebuild that accepts the loss ends it.
func (s *functionSet) inspect(ctx context.Context, w *World) (appendable bool) {
	health, err := s.glance(ctx, w)
	if err != nil {
		w.config.Logger.Error("whether the log is whole is not known", "err", err)
		return true
	}
	w.logDamage(health)
	if len(health.Ahead) == 0 {
		return true
	}
	w.config.Logger.Error("the log takes nothing new: bring back a backup that has what is lost, "+
		"or go on without it: natster admin rebuild --all --accept-loss", "err", health.Err())
	return false
}

// logDamage tells the operator of what the log has lost.
func (w *World) logDamage(health projection.Health) {
	for _, lost := range health.Lost {
		w.config.Logger.Error("the log is damaged: natster admin check tells all that is lost",
			"err", &events.Lost{From: lost.From, To: lost.To})
	}
	if len(health.Bad) > 0 {
		w.config.Logger.Error("the log is damaged: natster admin check tells all that is wrong", "err", health.Err())
	}
}

// readAll reads the whole log once, while everything goes on, and tells of what cannot be read: a byte that flipped on
// the disk since the server noted its files is not noticed by it, and so not by inspect.
func (s *functionSet) readAll(ctx context.Context, w *World) {
	nc, err := w.Admin(ctx)
	if err == nil {
		defer nc.Close()
		var health projection.Health
		if health, err = projection.Check(ctx, nc, nil); err == nil {
			w.logDamage(health)
		}
	}
	if err != nil && ctx.Err() == nil {
		w.config.Logger.Warn("whether all of the log can be read is not known", "err", err)
	}
}

func (s *functionSet) glance(ctx context.Context, w *World) (projection.Health, error) {
	nc, err := w.Admin(ctx)
	if err != nil {
		return projection.Health{}, err
	}
	defer nc.Close()
	return projection.Glance(ctx, nc, view.Projections()...)
}

// errHeld is what a command gets meanwhile.
var errHeld = api.Errorf(api.ErrUnavailable,
	"the world has lost its newest events, and takes nothing new until who runs it has decided: natster admin check tells")

// hold lets the log take events again once it is no longer behind the projections.
func (s *functionSet) hold(ctx context.Context, w *World) {
	for {
		select {
		case <-time.After(soundAgain):
		case <-ctx.Done():
			return
		}
		health, err := s.glance(ctx, w)
		if err == nil && len(health.Ahead) == 0 {
			break
		}
	}
	s.held.Store(false)
	w.config.Logger.Warn("the log takes events again")
}

package embedded

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/functions/projection"
	"natster/functions/view"
	"natster/internal/backoff"
)

// inspectAgain is how often a world whose log lost its end checks whether that was repaired.
const inspectAgain = time.Second

// inspect checks the log, over an administrator's connection, before the functions continue with it, at a cost that
// does not grow with the log, and reports whether it may be appended to. Lost events are only logged. But a log that
// ends before what the projections have seen must not grow: new events would get the positions of the lost ones, and
// the projections would skip them. Everything else continues meanwhile, and a rebuild that accepts the loss ends it.
func (s *functionSet) inspect(ctx context.Context, w *World, nc *nats.Conn) (appendable bool) {
	health, err := projection.QuickCheck(ctx, nc, view.Projections()...)
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

// logDamage logs what the event log has lost.
func (w *World) logDamage(health projection.Health) {
	for _, lost := range health.Lost {
		w.config.Logger.Error("the log is damaged: natster admin check lists all that is lost",
			"err", &events.Lost{From: lost.From, To: lost.To})
	}
	if len(health.Bad) > 0 {
		w.config.Logger.Error("the log is damaged: natster admin check lists all that is wrong", "err", health.Err())
	}
}

// readAll reads the whole log once, while everything continues, and logs what cannot be read. The server, and so
// inspect, does not notice a byte that changed on the disk after the server's last look at its files.
func (w *World) readAll(ctx context.Context) {
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

// quickCheck checks the log at a cost that does not grow with it.
func (w *World) quickCheck(ctx context.Context) (projection.Health, error) {
	nc, err := w.Admin(ctx)
	if err != nil {
		return projection.Health{}, err
	}
	defer nc.Close()
	return projection.QuickCheck(ctx, nc, view.Projections()...)
}

// errHeld is the answer to commands while the log may not be appended to.
var errHeld = api.Errorf(api.ErrUnavailable,
	"the world has lost its newest events, and takes nothing new until its operator has decided: "+
		"natster admin check says more")

// awaitRepair lets the log accept events again once it is no longer behind the projections.
func (s *functionSet) awaitRepair(ctx context.Context, w *World) {
	for backoff.Sleep(ctx, inspectAgain) == nil {
		if health, err := w.quickCheck(ctx); err == nil && len(health.Ahead) == 0 {
			s.held.Store(false)
			w.config.Logger.Warn("the log takes events again")
			return
		}
	}
}

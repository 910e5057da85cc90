package world

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/events"
	"natster/functions"
	accountsfn "natster/functions/accounts"
	"natster/functions/catalogs"
	"natster/functions/logins"
	"natster/functions/projection"
	"natster/functions/shares"
	"natster/functions/stats"
	"natster/functions/view"
	"natster/internal/jet"
)

// A NamedProjection is a projection that can be rebuilt; the function that keeps it is called the same.
type NamedProjection struct {
	Name   string
	Bucket view.Bucket
	projection.Rebuildable
}

// Projections are all projections of the log.
func Projections() []NamedProjection {
	return []NamedProjection{
		{"accounts", view.Accounts, accountsfn.Projection()},
		{"catalogs", view.Catalogs, catalogs.Projection()},
		{"shares", view.Shares, shares.Projection()},
		{"logins", view.Logins, logins.Projection()},
		{"stats", view.Stats, stats.Projection()},
	}
}

// Rebuild makes projections again from the log while everything runs, as [projection.Rebuild] does, and lets the
// functions that keep them go on from there: they need not read again what the rebuild has folded. nc is an
// administrator's. If the log has lost events it fails with an [events.ErrLost], unless acceptLoss: then the log as it
// is becomes the truth, and functions that have read more than is left of it go on after its end.
func Rebuild(
	ctx context.Context, nc *nats.Conn, acceptLoss bool, progress func(projection.Progress), which ...NamedProjection,
) error {
	with := projection.Rebuild
	if acceptLoss {
		with = projection.RebuildDespiteLoss
	}
	all := make([]projection.Rebuildable, len(which))
	for i, p := range which {
		all[i] = p.Rebuildable
	}
	if err := with(ctx, nc, progress, all...); err != nil {
		return err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("world: %w", err)
	}
	log, err := js.Stream(ctx, events.LogStream)
	if err != nil {
		return fmt.Errorf("world: %w", err)
	}
	if err := functions.StepBack(ctx, js, log.CachedInfo().State.LastSeq); err != nil {
		return err
	}
	direct, err := jet.NewDirect(nc, jet.Own)
	if err != nil {
		return err
	}
	views := view.NewReader(direct)
	for _, p := range which {
		at, err := projection.Position(ctx, views, p.Bucket)
		if err == nil {
			err = functions.FastForward(ctx, js, p.Name, at)
		}
		if err != nil {
			return errors.Join(err, direct.Close())
		}
	}
	return direct.Close()
}

package world

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"natster/deploy/accounts"
	"natster/events"
	"natster/functions"
	accountsfn "natster/functions/accounts"
	"natster/functions/authority"
	"natster/functions/catalogs"
	"natster/functions/eventwriter"
	"natster/functions/feed"
	"natster/functions/hub"
	"natster/functions/logins"
	"natster/functions/otc"
	"natster/functions/presence"
	"natster/functions/projection"
	"natster/functions/queries"
	"natster/functions/shares"
	"natster/functions/stats"
	"natster/functions/view"
	"natster/functions/websessions"
)

// allFunctions is the one list of Natster's functions, as the world that c and known describe configures them.
func allFunctions(c Config, known accounts.WellKnown) ([]functions.Function, error) {
	s, err := settingsOf(c.Dir)
	if err != nil {
		return nil, err
	}
	s.known, s.hubCatalog, s.claimURL, s.imports = known, c.HubCatalog, c.ClaimURL, importKeeper{c.Dir}
	return s.functions()
}

// settings are what the functions need to know of their world.
type settings struct {
	vault, web nkeys.KeyPair
	known      accounts.WellKnown
	hubCatalog events.Catalog
	claimURL   string
	imports    authority.Keeper // nil: accounts cannot be changed from here, and there is no function authority
}

// settingsOf has the keys that are in dir.
func settingsOf(dir string) (s settings, err error) {
	if s.vault, err = curveKey(dir, vaultSeed); err != nil {
		return s, err
	}
	s.web, err = curveKey(dir, webSeed)
	return s, err
}

// functions are fresh at every call: what one instance keeps is not another's.
func (s settings) functions() ([]functions.Function, error) {
	vaultPublic, err := s.vault.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("world: vault key: %w", err)
	}
	vaultKey, err := s.vault.Seed()
	if err != nil {
		return nil, fmt.Errorf("world: vault key: %w", err)
	}
	reserved := events.Reservation{Catalog: s.hubCatalog, For: s.known.Hub}
	all := []functions.Function{
		eventwriter.New(eventwriter.Config{Reserved: reserved}),
		accountsfn.New(),
		catalogs.New(),
		shares.New(),
		logins.New(),
		stats.New(),
		queries.New(queries.Config{Site: s.known.Site, VaultSeed: vaultKey, Reserved: reserved}),
		otc.New(otc.Config{Site: s.known.Site, VaultPublicXKey: vaultPublic, ClaimURL: s.claimURL}),
		presence.New(presence.Config{}),
		feed.New(feed.Config{}),
		hub.New(hub.Config{Account: s.known.Hub, Catalog: s.hubCatalog}),
		websessions.New(websessions.Config{Site: s.known.Site, Key: s.web}),
	}
	if s.imports != nil {
		all = append(all, authority.New(s.imports))
	}
	return all, nil
}

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

// Rebuild makes projections anew from the log while everything runs, as [projection.Rebuild] does, and lets the functions that
// keep them go on from there: they need not hear again what the rebuild has folded. nc is an administrator's. It refuses to
// make a log that has lost events the truth, with an [events.ErrLost].
func Rebuild(ctx context.Context, nc *nats.Conn, progress func(projection.Progress), which ...NamedProjection) error {
	return rebuild(ctx, nc, progress, projection.Rebuild, which)
}

// RebuildDespiteLoss is [Rebuild] from the log as it is, whatever it has lost. Functions that have heard more than is left
// of it go on after its end.
func RebuildDespiteLoss(ctx context.Context, nc *nats.Conn, progress func(projection.Progress), which ...NamedProjection) error {
	return rebuild(ctx, nc, progress, projection.RebuildDespiteLoss, which)
}

type rebuilder func(context.Context, *nats.Conn, func(projection.Progress), ...projection.Rebuildable) error

func rebuild(ctx context.Context, nc *nats.Conn, progress func(projection.Progress), with rebuilder, which []NamedProjection) error {
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
	direct, err := events.NewDirect(nc)
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

package world

import (
	"fmt"

	"natster/deploy/accounts"
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
	"natster/functions/websessions"
)

// allFunctions is the one list of Natster's functions, as the world that c and known describe configures them.
func allFunctions(c Config, known accounts.WellKnown) ([]functions.Function, error) {
	vault, err := curveKey(c.Dir, vaultSeed)
	if err != nil {
		return nil, err
	}
	vaultPublic, err := vault.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("world: vault key: %w", err)
	}
	vaultKey, err := vault.Seed()
	if err != nil {
		return nil, fmt.Errorf("world: vault key: %w", err)
	}
	web, err := curveKey(c.Dir, webSeed)
	if err != nil {
		return nil, err
	}
	return []functions.Function{
		eventwriter.New(),
		accountsfn.New(),
		catalogs.New(),
		shares.New(),
		logins.New(),
		stats.New(),
		queries.New(queries.Config{Site: known.Site, VaultSeed: vaultKey}),
		otc.New(otc.Config{Site: known.Site, VaultPublicXKey: vaultPublic, ClaimURL: c.ClaimURL}),
		presence.New(presence.Config{}),
		feed.New(feed.Config{}),
		hub.New(hub.Config{Account: known.Hub, Catalog: c.HubCatalog}),
		websessions.New(websessions.Config{Site: known.Site, Key: web}),
		authority.New(importKeeper{c.Dir}),
	}, nil
}

// A NamedProjection is a projection that can be rebuilt, and the function that keeps it.
type NamedProjection struct {
	Name string
	projection.Rebuildable
}

// Projections are all projections of the log; the functions that keep them are called the same.
func Projections() []NamedProjection {
	return []NamedProjection{
		{"accounts", accountsfn.Projection()},
		{"catalogs", catalogs.Projection()},
		{"shares", shares.Projection()},
		{"logins", logins.Projection()},
		{"stats", stats.Projection()},
	}
}

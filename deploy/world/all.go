package world

import (
	"fmt"

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
	"natster/functions/websessions"

	"github.com/nats-io/nkeys"
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
	all := []functions.Function{
		eventwriter.New(),
		accountsfn.New(),
		catalogs.New(),
		shares.New(),
		logins.New(),
		stats.New(),
		queries.New(queries.Config{Site: s.known.Site, VaultSeed: vaultKey}),
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

package world

import (
	"context"
	"fmt"

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
	"natster/functions/queries"
	"natster/functions/shares"
	"natster/functions/stats"
	"natster/functions/websessions"
)

// Functions is the one list of Natster's functions, as the world in dir has them.
func Functions(dir string, known accounts.WellKnown, hubCatalog events.Catalog, claimURL string) ([]functions.Function, error) {
	s, err := settingsOf(dir)
	if err != nil {
		return nil, err
	}
	s.known, s.hubCatalog, s.claimURL, s.imports = known, hubCatalog, claimURL, importKeeper{dir}
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

// Users gives each function its user in the global account, with the permissions that its declaration implies, and gives
// the account its administrator, [accounts.AdminUser]. It returns the credentials of them all, by name.
func Users(ctx context.Context, op *accounts.Operator, fns []functions.Function) (map[string]accounts.Creds, error) {
	users := map[string]accounts.Permissions{accounts.AdminUser: {All: true}}
	for _, f := range fns {
		if err := f.Check(); err != nil {
			return nil, fmt.Errorf("world: %w", err)
		}
		if _, taken := users[f.Name]; taken {
			return nil, fmt.Errorf("world: two functions are called %q", f.Name)
		}
		users[f.Name] = userOf(f.Permissions())
	}
	return op.Users(ctx, op.WellKnown().Global, users)
}

func userOf(p functions.Permissions) accounts.Permissions {
	u := accounts.Permissions{Publish: p.Publish, Subscribe: p.Subscribe}
	if p.Respond {
		u.Responses = 1
	}
	return u
}

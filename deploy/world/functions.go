package world

import (
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
	"natster/internal/private"
)

// Settings are what the functions have to know about their world. The zero value is enough to list them.
type Settings struct {
	Accounts   accounts.WellKnown `json:"accounts"`
	HubCatalog events.Catalog     `json:"hub_catalog"`
	Limits     functions.Limits   `json:"limits,omitzero"`     // of the accounts
	ClaimURL   string             `json:"claim_url,omitempty"` // where a person claims a one-time code; it may be empty
	// World is the world's own directory, in which authority changes accounts.
	World string `json:"world"`
	// Keys is the directory with the world's curve keys. They are read when a function that needs one starts.
	Keys string `json:"-"`
	// WithoutAuthority leaves authority out, where the accounts' keys are elsewhere.
	WithoutAuthority bool `json:"-"`
}

// Functions is the one list of Natster's functions. It reads no file and makes none.
func Functions(s Settings) []functions.Function {
	reserved := events.Reservation{Catalog: s.HubCatalog, For: s.Accounts.Hub}
	all := []functions.Function{
		eventwriter.New(eventwriter.Config{Reserved: reserved}),
		accountsfn.New(),
		catalogs.New(),
		shares.New(),
		logins.New(),
		stats.New(),
		queries.New(queries.Config{Site: s.Accounts.Site, VaultKey: s.key(vaultSeed), Reserved: reserved}),
		otc.New(otc.Config{Site: s.Accounts.Site, VaultKey: s.publicKey(vaultSeed), ClaimURL: s.ClaimURL}),
		presence.New(),
		feed.New(),
		hub.New(hub.Config{Account: s.Accounts.Hub, Catalog: s.HubCatalog}),
		websessions.New(websessions.Config{Site: s.Accounts.Site, Key: s.key(webSeed)}),
	}
	if !s.WithoutAuthority {
		all = append(all, authority.New(importKeeper{s.World}))
	}
	for i := range all {
		all[i].Limits = s.Limits
	}
	return all
}

// key returns a function that reads the pair whose seed is in the file called name.
func (s Settings) key(name string) func() (nkeys.KeyPair, error) {
	return func() (nkeys.KeyPair, error) {
		if s.Keys == "" {
			return nil, fmt.Errorf("%s: %w", name, ErrNoService)
		}
		return curveKey(private.ReadCurveKey, s.Keys, name)
	}
}

func (s Settings) publicKey(name string) func() (string, error) {
	return func() (string, error) {
		pair, err := s.key(name)()
		if err != nil {
			return "", err
		}
		defer pair.Wipe()
		return pair.PublicKey()
	}
}

package feed

import (
	"encoding/json"
	"fmt"
	"strings"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
)

// An announcement is what everybody that a catalog is shared with is told.
type announcement struct {
	owner   events.Account
	catalog events.Catalog
	kind    string
	body    []byte
}

// announce returns what a change of the presence bucket is worth: its owner's heartbeat, or that the catalog went
// offline. The error says that the change is none of this bucket's.
func announce(c functions.Change) (announcement, error) {
	account, catalog, _ := strings.Cut(c.Key, ".")
	owner, err := events.ParseAccount(account)
	if err != nil {
		return announcement{}, fmt.Errorf("presence key: %w", err)
	}
	name, err := events.ParseCatalog(catalog)
	if err != nil {
		return announcement{}, fmt.Errorf("presence key: %w", err)
	}
	a := announcement{owner: owner, catalog: name, kind: events.FeedOffline}
	h := api.Heartbeat{Catalog: name, Account: owner}
	if c.Op == functions.OpPut {
		a.kind = events.FeedHeartbeat
		if err := json.Unmarshal(c.Value, &h); err != nil {
			return announcement{}, fmt.Errorf("heartbeat: %w", err)
		}
		if h.Account != owner || h.Catalog != name {
			return announcement{}, fmt.Errorf("heartbeat of %s, %s under another's key", h.Account, h.Catalog)
		}
	}
	a.body, err = json.Marshal(h)
	return a, err
}

// news returns what an event is worth telling to both sides of it; ok is false for nothing.
func news(e events.Envelope) (kind string, body []byte, ok bool) {
	switch e.Type {
	case events.Shared:
		kind = events.FeedShared
	case events.Unshared:
		kind = events.FeedUnshared
	default:
		return "", nil, false
	}
	body, err := json.Marshal(api.ShareNews{From: e.Origin, To: e.Target, Catalog: e.Catalog, Position: e.Position})
	return kind, body, err == nil
}

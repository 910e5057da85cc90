package api

import "natster/events"

// Whoami is `whoami`: what the functions know of the caller; [ErrNotFound] before it is initialized. Answered by
// queries.
var Whoami = Endpoint[None, Identity]{Name: "whoami"}

// An Identity is an account as the functions know it.
//
//	{"account_key":"AAL…","oauth_id":"github|123","initialized":1732082400}
type Identity struct {
	Account     events.Account `json:"account_key"`
	OAuthID     string         `json:"oauth_id,omitempty"`
	Initialized int64          `json:"initialized"`            // unix seconds
	Name        string         `json:"account_name,omitempty"` // addition: the name given at initialization
}

// Stats is `stats`: totals over all accounts, and what each may take. Answered by stats.
var Stats = Endpoint[None, Totals]{Name: "stats"}

// Totals are running totals.
//
//	{"total_initialized":3,"running_catalogs":1,"share_count":4,"limits":{"shares":10000}}
type Totals struct {
	Accounts int64 `json:"total_initialized"`
	Running  int64 `json:"running_catalogs"`
	Shares   int64 `json:"share_count"`
	// Limits, an addition, are what each account of the world may take, by the names of the world's settings.
	Limits map[string]int64 `json:"limits,omitempty"`
}

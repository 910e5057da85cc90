package api

import "natster/events"

// WebXKey is `web.xkey`: the public curve key to which an account's owner seals a web key. Answered by websessions.
var WebXKey = Endpoint[None, XKey]{Name: "web.xkey"}

// An XKey is a public curve key.
//
//	{"xkey":"XAB…"}
type XKey struct {
	XKey string `json:"xkey"`
}

// MintWeb is `web.mint`: a short-lived user of the account that a login is bound to, for a key that a browser made; 403 for
// all but the site, 404 for a login that is not bound to the account of the web key, 410 for a web key that cannot be used.
// Answered by websessions.
var MintWeb = Endpoint[MintRequest, Minted]{Name: "web.mint"}

// A MintRequest hands back the sealed web key of the login's context.
//
//	{"oauth_id":"idp.example|123","web_key":"…","user_key":"UAB…"}
type MintRequest struct {
	OAuthID string `json:"oauth_id"`
	WebKey  string `json:"web_key"`
	UserKey string `json:"user_key"`
}

// A Minted is a user JWT. It is no secret: it is worth nothing without the browser's private key.
//
//	{"jwt":"eyJ…","account":"AAL…","expires":1732083300}
type Minted struct {
	JWT     string         `json:"jwt"`
	Account events.Account `json:"account"`
	Expires int64          `json:"expires"` // unix seconds
}

// The endpoints by which an account changes its own imports, in worlds that keep the accounts' keys. Answered by authority.
var (
	// ImportCatalog is `accounts.import`: imports a catalog that is shared with the caller; 403 when it is not, 409 when the
	// name that it would have with the caller stands for another catalog there.
	ImportCatalog = Endpoint[ImportRequest, None]{Name: "accounts.import", Writes: true}
	// UnimportCatalog is `accounts.unimport`: takes an import back; 404 when there is none.
	UnimportCatalog = Endpoint[ImportRequest, None]{Name: "accounts.unimport", Writes: true}
	// ListImports is `accounts.imports`: what the caller imports.
	ListImports = Endpoint[None, []Import]{Name: "accounts.imports"}
)

// An ImportRequest names a catalog as its owner calls it, its owner, and what to call it if that is to be something else; to
// take an import back it names the catalog as the caller calls it.
//
//	{"catalog":"films","owner":"AAL…","as":"alicefilms"}
type ImportRequest struct {
	Catalog events.Catalog `json:"catalog"`
	Owner   events.Account `json:"owner,omitzero"`
	As      events.Catalog `json:"as,omitzero"`
}

// An Import is a catalog that the caller imports.
//
//	{"catalog":"films","owner":"AAL…"}
//	{"catalog":"films","owner":"AAL…","as":"alicefilms"}
type Import struct {
	Catalog events.Catalog `json:"catalog"`
	Owner   events.Account `json:"owner"`
	As      events.Catalog `json:"as,omitzero"` // what the caller calls it, if not as its owner does
}

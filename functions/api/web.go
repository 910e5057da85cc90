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

// MintWeb is `web.mint`: a short-lived user of the account that a login is bound to, for a key that a browser made; 403
// for all but the site, 404 for a login that is not bound to the account of the web key, 410 for a web key that cannot
// be used. Answered by websessions.
var MintWeb = Endpoint[MintRequest, Minted]{Name: "web.mint"}

// A MintRequest hands back the sealed web key of the login's context.
//
//	{"oauth_id":"idp.example|123","web_key":"…","user_key":"UAB…"}
type MintRequest struct {
	OAuthID string `json:"oauth_id"`
	WebKey  string `json:"web_key"`
	UserKey string `json:"user_key"`
}

// PutWeb is `web.put`: `events.put` for web sessions, which may put nothing by any other. It takes a share back
// (catalog_unshared) and notes an import (catalog_imported); 403 for everything else: a share is confirmed by the
// account's own credentials, in a terminal, and not by whoever has a browser. Answered by eventwriter.
var PutWeb = Endpoint[PutRequest, PutReply]{Name: "web.put", Writes: true}

// A Minted is a user JWT. It is no secret: it is worth nothing without the browser's private key.
//
//	{"jwt":"eyJ…","account":"AAL…","expires":1732083300}
type Minted struct {
	JWT     string         `json:"jwt"`
	Account events.Account `json:"account"`
	Expires int64          `json:"expires"` // unix seconds
}

package api

import "natster/events"

// GenerateCode is `otc.generate`: a one-time code for the caller's context; 403 when the context is another account's.
// Existing clients put tokens and credentials into it, so that it may be large. Answered by otc.
var GenerateCode = Endpoint[Context, OneTimeCode]{Name: "otc.generate", Writes: true, Max: 64 << 10}

// A Context is what a web login needs to know of an account. Existing clients put an access token and credentials in
// it: both are secret, and are kept only sealed. Ours leaves them empty.
type Context struct {
	TeamID           string         `json:"team_id"`
	SystemID         string         `json:"system_id"`
	AccountID        string         `json:"account_id"`
	AccountName      string         `json:"account_name"`
	AccountPublicKey events.Account `json:"account_public_key"`
	AccessToken      string         `json:"access_token"`
	UserID           string         `json:"user_id"`
	Creds            string         `json:"creds"`
	// WebKey is an addition: a scoped signing key of the account, sealed to [WebXKey], by which web sessions are made
	// instead of with the account's own credentials. It is worth nothing to those who cannot open it.
	WebKey string `json:"web_key,omitempty"`
}

// A OneTimeCode is good for one claim, for so many minutes.
//
//	{"code":"K5PQ…","valid_minutes":5,"claim_url":"https://natster.io/claim?code=K5PQ…"}
type OneTimeCode struct {
	Code         string `json:"code"`
	ValidMinutes int    `json:"valid_minutes"`
	ClaimURL     string `json:"claim_url"`
}

// ClaimCode is `otc.claim`: the context bound to a code, once; 403 for all but the site, 404 for a code that is
// unknown, used or expired. Answered by otc.
var ClaimCode = Endpoint[Claim, Context]{Name: "otc.claim", Writes: true}

// A Claim binds the code's context to a login.
type Claim struct {
	Code    string `json:"code"`
	OAuthID string `json:"oauth_id"`
}

// MaxLogin is the longest id of a web login, in bytes.
const MaxLogin = 512

// CheckLogin returns an [ErrBadRequest] that says what is wrong with the id of a web login, or nil.
func CheckLogin(oauthID string) error {
	switch {
	case oauthID == "":
		return Errorf(ErrBadRequest, "the oauth id is missing")
	case len(oauthID) > MaxLogin:
		return Errorf(ErrBadRequest, "the oauth id is %d bytes long; %d is the most", len(oauthID), MaxLogin)
	}
	return nil
}

// GetContext is `context.get`: the context bound to a login, which is the request as plain text; 403 for all but the
// site, 404 for a login that is not bound. Answered by queries.
var GetContext = Endpoint[Text, BoundContext]{Name: "context.get"}

// A BoundContext is a context and the user in its credentials. Both are empty for a context that came without
// credentials.
type BoundContext struct {
	Context  Context `json:"context"`
	UserJWT  string  `json:"user_jwt"`
	UserSeed string  `json:"user_seed"`
}

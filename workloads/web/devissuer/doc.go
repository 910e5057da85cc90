// Package devissuer is an OpenID Connect issuer for development: one enters a name and is signed in. Everything else
// about it is real, so that the site logs in as with any issuer: discovery, authorization code with PKCE, signed
// tokens.
//
//	devissuer.go  Config, New, discovery and keys
//	admit.go      the secret, and the cookie that a browser has for it
//	authorize.go  the form, and the code it leads to
//	token.go      the id_token that the code is traded for
//
// It believes any name, so whom it asks is what counts: browsers that were given the issuer's secret, which whoever
// started it can see and other users of the machine cannot. It serves this machine only: it refuses an address that is
// not loopback, requests from elsewhere, and requests that a proxy passed on.
package devissuer

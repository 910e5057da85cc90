// Package devissuer is an OpenID Connect issuer for development: pick a name, be signed in. Everything else about it is
// real, so that the site's login is the one that it has with any issuer: discovery, authorization code with PKCE,
// signed tokens.
//
//	devissuer.go  Config, New, discovery and keys
//	authorize.go  the form, and the code it leads to
//	token.go      the code's trade for an id_token
//
// It believes whatever name it is told, so it serves this machine only: it refuses an address that is not loopback,
// requests from elsewhere, and requests that a proxy passed on.
package devissuer

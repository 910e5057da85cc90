// Package authority is the function by which an account changes its own imports, in worlds that keep the accounts'
// keys: the embedded and the self-hosted. NATS proves who asks; no account can ask for another.
//
//	authority.go  Keeper, the declaration, and the three endpoints
//
// It imports only what is shared with the caller: a public export can be imported by anybody who has their own
// account's key, but an account's JWT has to fit into a message, so what is put into it on request is bounded by what
// others offered.
package authority

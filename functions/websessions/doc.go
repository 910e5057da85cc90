// Package websessions is the function that turns a web login into a NATS user: short-lived, scoped, for a key that the
// browser made and keeps.
//
//	key.go          the web key: sealing one, opening one, signing a user with one; no NATS
//	websessions.go  Config and the declaration; web.xkey and web.mint
//
// The web key is a scoped signing key of the user's account, made by the account's owner (natster login), who seals it
// to this function's public curve key before it leaves the owner's machine. It then lies in the owner's login context,
// sealed once more, and passes through the site's hands at every mint: only this function can open it, and it keeps
// nothing. What a minted user may do is not for this function to decide: the NATS server enforces the template in the
// account's JWT. The owner ends all web sessions by taking the key out of that JWT.
//
// Only the site may ask, and only for a login that the event log says is bound to the account whose key it is.
package websessions

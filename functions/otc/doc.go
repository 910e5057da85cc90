// Package otc is the function behind one-time codes: an account asks for a code, a person carries it to the website,
// the website claims it once and so learns the account's context.
//
//	otc.go    Config and the declaration
//	code.go   codes: making and reading them, sealing a context with one; otc.generate
//	claim.go  otc.claim
//
// A context may hold an access token and credentials. Only the holder of the code can read it while it waits to
// be claimed: it is sealed with a key that only the code gives, and of the code only a hash is kept. Once claimed it is
// sealed to the vault's public key, whose other half otc does not have; the function queries does.
//
// A code is claimed by deleting it at the revision at which it was read: of any number who race, the bucket lets one
// win. Only the winner goes on to store the sealed context and then to have the binding logged, in this order, so that
// a binding always points at a context. What fails in between costs the user a new code, and says so.
package otc

// Package web is the website: a page that connects to NATS as its user, and the small server behind it.
//
//	web.go       Config, Site, Serve; the routes
//	guard.go     checks on every request: host, origin; the security headers
//	login.go     OpenID Connect: authorization code with PKCE
//	key.go       the address by which a browser may sign in at the development issuer
//	session.go   sessions of the site: cookies, lifetime; a session's requests: claim, mint, logout
//	minted.go    the users that were minted for a session, and may connect by it
//	proxy.go     /nats: WebSocket to the world's NATS server, same origin
//	gate/        what is in between there: a proxy that the NATS server trusts
//	page.go      the built page and its headers; what is shown when it was not built
//	page/        its source: TypeScript, Svelte, a service worker; see page/README.md
//	devissuer/   a development identity provider, on loopback only
//	e2e/         the browser tests
//
// # Who has which key
//
//	owner's machine                browser                   site (this package)       functions (global account)
//	───────────────                ───────                   ───────────────────       ──────────────────────────
//	natster login:
//	 scoped key K into own
//	 account JWT (accounts.AddWebKey)
//	 seal K to web.xkey ─────────── otc.generate {…, web_key: sealed K} ─────────────▶ otc: sealed under the code
//	 code, claim URL ─ by eye ─▶ /claim
//	                               login ──────────────────▶ OpenID Connect, cookie
//	                               code ── POST claim ─────▶ otc.claim {code, login} ▶ otc: context to the vault,
//	                                                                                    login bound in the log
//	                               Ed25519 key pair U, made
//	                               here, not extractable
//	                               U.public ─ POST mint ───▶ context.get {login} ────▶ queries: opens the vault
//	                                                         ◀── context, sealed K ───
//	                                                         web.mint {login, ───────▶ websessions: opens K, checks
//	                                                          sealed K, U}              the binding, signs, forgets K
//	                               ◀──── user JWT ───────────◀── user JWT, 15 min ────
//	                               NATS CONNECT {JWT,
//	                                signature by U} ═ /nats ▶ U minted in this session?
//	                                                         signature by the site ════▶ NATS server: trusts the
//	                                                                                    site's; K's template
//	natster logout --web:
//	 K out of the account JWT ═══════════════════════════════════════════════════════▶ NATS server: U is closed
//
// The site never has a secret of a user: not K (sealed to websessions), not U's private half (in the browser), no
// plaintext of a file (sealed to the browser per session). An attacker in control of the site could request users of
// accounts whose logins are bound, for as long as the attack lasts, and change the page's code.
//
// For a context that came with credentials, context.get returns the user's JWT and seed, because existing sites need
// them. Ours comes without: it carries the sealed web key instead. So a site never holds a long-lived user, a leaked
// context opens nothing, and the owner can end every web session by one edit of the account's own JWT.
//
// # Sessions
//
// A session of the site is a random cookie (HttpOnly, SameSite=Lax, Secure over TLS) for a fixed time; only its hash is
// kept, in memory. Unsafe methods and /nats are refused from any other origin.
//
// A minted user ends with its session: K's template asks for a proxy that the NATS server trusts, and the site's is
// the only one. So the user connects by /nats or not at all, there only by the session that it was minted for, and
// logging out, the end of the session's time and the end of the site cut it off at once.
package web

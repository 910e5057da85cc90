// Package web is the website: a page that talks NATS as its user, and the small server behind it.
//
//	web.go       Config, Site, Serve; the routes
//	guard.go     what holds for every request: host, origin, headers
//	login.go     OpenID Connect: authorization code with PKCE
//	session.go   sessions of the site: cookies, lifetime, logout
//	account.go   the page's questions: session, claim, mint, logout
//	proxy.go     /nats: WebSocket to the world's NATS server, same origin
//	page.go      the built page, its headers, and what is shown when it was not built
//	page/        its source: TypeScript, Svelte, a service worker; see page/README.md
//	devissuer/   a development identity provider, on loopback only
//	e2e/         the browser tests
//
// # Who holds what
//
//	owner's machine                  browser                     site (this package)            functions (global account)
//	───────────────                  ───────                     ───────────────────            ──────────────────────────
//	natster login:
//	 scoped key K into own
//	 account JWT (accounts.AddWebKey)
//	 seal K to web.xkey ───────────────── otc.generate {…, web_key: sealed K} ────────────────▶ otc: sealed under the code
//	 code, claim URL ─ ─ by eye ─ ─▶ /claim
//	                                 login ──────────────────▶ OpenID Connect, cookie
//	                                 code ── POST claim ─────▶ otc.claim {code, login} ───────▶ otc: context to the vault,
//	                                                                                              login bound in the log
//	                                 Ed25519 key pair U, made
//	                                 here, not extractable
//	                                 U.public ─ POST mint ───▶ context.get {login} ───────────▶ queries: opens the vault
//	                                                           ◀── context, sealed K ───────────
//	                                                           web.mint {login, sealed K, U} ─▶ websessions: opens K, checks
//	                                 ◀──── user JWT ───────────◀── user JWT, 15 minutes ────────  the binding, signs, forgets K
//	                                 NATS CONNECT {JWT, signature by U} ══ /nats ══▶ NATS server: enforces K's template
//	natster logout --web:
//	 K out of the account JWT ══════════════════════════════════════════════════════▶ NATS server: closes U's connections
//
// The site never has a secret of a user: not K (sealed to websessions), not U's private half (in the browser), no plaintext of
// a file (sealed to the browser per session). What it could do, broken into, is ask for users of accounts whose logins are
// bound, for as long as it is broken into; and it ships the page's code.
//
// context.get answers as the contract says for contexts that came with credentials, because existing sites want the user's
// JWT and seed. Ours comes without: it carries the sealed web key instead, so that a site never holds a long-lived user, a
// leaked context opens nothing, and the owner can end every web session by one edit of the account's own JWT.
//
// # Sessions
//
// A session of the site is a random cookie (HttpOnly, SameSite=Lax, Secure over TLS) for a fixed time; only its hash is kept,
// in memory. Logging out ends it and cuts its WebSockets. Unsafe methods and /nats are refused from any other origin.
package web

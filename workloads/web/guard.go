package web

import (
	"net/http"
	"strings"
)

// pageCSP lets the page run code of the site only, and no page frame it.
const pageCSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
	"media-src 'self'; frame-src 'self'; worker-src 'self'; connect-src 'self'; manifest-src 'self'; " +
	"object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// workerCSP is the service worker's: it computes SHA-256 in WebAssembly, which runs no script.
const workerCSP = "default-src 'none'; connect-src 'self'; script-src 'self' 'wasm-unsafe-eval'"

// guard wraps every handler and sets the security headers. A request under another host name is refused: some other DNS
// name points here (DNS rebinding). An unsafe request from another origin is refused, whatever cookies it carries.
func (s *Site) guard(next http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusForbidden, "origin", "refused: the request comes from another site")
	}))
	next = crossOrigin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
		h.Set("Content-Security-Policy", pageCSP)
		h.Set("Cache-Control", "no-store")
		if s.url.Scheme == "https" {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if !strings.EqualFold(r.Host, s.url.Host) {
			http.Error(w, "This site is at "+s.url.String(), http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ownOrigin reports whether the request comes from a page of this site. WebSockets need it: browsers apply no
// same-origin policy to them.
func (s *Site) ownOrigin(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Origin"), s.url.Scheme+"://"+s.url.Host)
}

package web

import (
	"net/http"
	"strings"

	"natster/workloads/web/devissuer"
)

// keyPath begins the address that a site with a development issuer prints: after it comes the issuer's secret, and then
// the path of a page.
const keyPath = "/key/"

// OpenURL returns the address to open in a browser. With a development issuer it holds the secret that lets the browser
// sign in under any name: print it for whoever started the site, and put it nowhere else. Paths and queries of pages
// can be added to it.
func (s *Site) OpenURL() string {
	if s.dev == nil {
		return s.url.String()
	}
	return s.url.String() + keyPath + s.dev.Secret()
}

// hint says to a person what to do without the secret.
func (s *Site) hint() string {
	return "The terminal in which natster runs (natster devrun, natster web or natster demo) shows an address " +
		"that begins with " + s.url.String() + keyPath + ": open that one, in this browser, and then sign in. " +
		"It is another one after each start."
}

// takeKey trades the secret in the address for a cookie, and sends the browser on to an address without it.
func (s *Site) takeKey(w http.ResponseWriter, r *http.Request) {
	if !s.dev.Admit(w, r.PathValue("secret")) {
		devissuer.Stranger(w, s.hint())
		return
	}
	_, to, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), keyPath), "/")
	to = "/" + to
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	http.Redirect(w, r, pagePath(to), http.StatusSeeOther)
}

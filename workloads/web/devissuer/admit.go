package devissuer

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
)

// cookieName is of the cookie by which a browser shows that it was given the secret.
const cookieName = "natster-issuer"

// Secret returns what [Issuer.Admit] demands: 128 random bits or more, in letters and digits, made by [New] and kept
// nowhere. Show it to whoever may sign in under any name, and to nobody else.
func (i *Issuer) Secret() string { return i.secret }

// Admit reports whether secret is the issuer's. If it is, the answer gives the browser a cookie with which it may sign
// in until the issuer ends; the secret does not follow from the cookie.
func (i *Issuer) Admit(w http.ResponseWriter, secret string) bool {
	if !same(secret, i.secret) {
		return false
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: i.pass(), Path: i.path(), HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	return true
}

// pass is the cookie's value.
func (i *Issuer) pass() string {
	h := hmac.New(sha256.New, []byte(i.secret))
	h.Write([]byte("natster development issuer"))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func (i *Issuer) path() string {
	if u, err := url.Parse(i.cfg.URL); err == nil && u.Path != "" {
		return u.Path
	}
	return "/"
}

// admitted passes on to next what comes from a browser that [Issuer.Admit] let in.
func (i *Issuer) admitted(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie(cookieName); err != nil || !same(c.Value, i.pass()) {
			Stranger(w, i.cfg.Hint)
			return
		}
		next(w, r)
	}
}

var stranger = template.Must(template.New("stranger").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sign in · not from here</title><style>
:root{color-scheme:light dark}
body{margin:0;min-height:100vh;display:grid;place-items:center;font:16px/1.5 system-ui,sans-serif}
main{max-width:34rem;padding:2rem}h1{font-size:1.25rem}
</style></head><body><main><h1>This browser was not given the key</h1>
<p>Whoever signs in here may take any name. So only the person who started Natster may.</p>
<p>{{.}}</p></main></body></html>`))

// Stranger answers a browser that has not shown the secret with status 401, why, and hint: what to do.
func Stranger(w http.ResponseWriter, hint string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", formCSP)
	w.WriteHeader(http.StatusUnauthorized)
	_ = stranger.Execute(w, hint) // fails only if the browser has gone
}

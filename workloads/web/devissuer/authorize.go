package devissuer

import (
	"crypto/rand"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"natster/internal/brief"
)

// A grant is a login that a code stands for until the code is traded for a token.
type grant struct {
	name      string
	nonce     string
	challenge string // S256 of the verifier
	expires   time.Time
}

const (
	codeLifetime = time.Minute
	maxCodes     = 1000
	maxName      = 40
)

// carried are the parameters of the request that the form repeats.
var carried = []string{
	"client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge", "code_challenge_method",
}

// formCSP allows the form's own style, and no script.
const formCSP = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; " +
	"base-uri 'none'"

var form = template.Must(template.New("form").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sign in · development issuer</title><style>
:root{color-scheme:light dark;
  --ink:#1d1b16;--dim:#6d685d;--paper:#f6f4ef;--card:#fff;--line:#dfdbd1;--accent:#0b6b62;--on:#fff}
@media(prefers-color-scheme:dark){:root{
  --ink:#eceae4;--dim:#a19c90;--paper:#161512;--card:#1f1e1a;--line:#38352e;--accent:#58c2b4;--on:#0d1f1c}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--paper);color:var(--ink);
  font:16px/1.5 system-ui,sans-serif}
form{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:2rem;
  width:min(24rem,calc(100vw - 2rem))}
h1{font-size:1.25rem;margin:0 0 .25rem}p{margin:0 0 1.25rem;color:var(--dim);font-size:.9rem}
label{font-size:.85rem;color:var(--dim)}
input[name=name]{width:100%;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);
  border-radius:8px;padding:.6rem .75rem;margin:.3rem 0 1rem}
input:focus-visible,button:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
button{width:100%;font:inherit;font-weight:600;border:0;border-radius:8px;padding:.65rem;
  background:var(--accent);color:var(--on);cursor:pointer}
</style></head><body><form method="post" action="{{.Action}}"><h1>Who are you?</h1>
<p>This is the development issuer. It believes any name, of whoever started Natster on this machine.</p>
{{if .Problem}}<p role="alert">{{.Problem}}</p>{{end}}
{{range $k, $v := .Carried}}<input type="hidden" name="{{$k}}" value="{{$v}}">{{end}}
<label for="name">Name</label><input id="name" name="name" maxlength="40" autocomplete="username" required autofocus>
<button>Sign in</button></form></body></html>`))

func (i *Issuer) ask(w http.ResponseWriter, r *http.Request) {
	if q := r.URL.Query(); i.valid(w, q) {
		i.show(w, q, "")
	}
}

func (i *Issuer) show(w http.ResponseWriter, q url.Values, problem string) {
	keep := make(map[string]string)
	for _, k := range carried {
		keep[k] = q.Get(k)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", formCSP)
	_ = form.Execute(w, map[string]any{"Action": i.cfg.URL + "/authorize", "Carried": keep, "Problem": problem})
}

// valid reports whether the request is one of the site's. Another is refused here: the browser is not sent to an
// address that the request names.
func (i *Issuer) valid(w http.ResponseWriter, q url.Values) bool {
	problem := ""
	switch {
	case q.Get("client_id") != i.cfg.ClientID:
		problem = "unknown client"
	case q.Get("redirect_uri") != i.cfg.Redirect:
		problem = "unknown redirect_uri"
	case q.Get("response_type") != "code":
		problem = "only the authorization code is given out"
	case q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "":
		problem = "PKCE with S256 is required"
	}
	if problem != "" {
		http.Error(w, problem, http.StatusBadRequest)
	}
	return problem == ""
}

// grant takes the name from the form and sends the browser back with a code.
func (i *Issuer) grant(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form cannot be read", http.StatusBadRequest)
		return
	}
	q := r.PostForm
	if !i.valid(w, q) {
		return
	}
	name := strings.TrimSpace(q.Get("name"))
	if len(name) > maxName || !brief.Shows(name) {
		i.show(w, q, "A name has 1 to 40 printable characters.")
		return
	}
	code := rand.Text()
	now := i.cfg.Now()
	i.mu.Lock()
	for c, g := range i.codes {
		if now.After(g.expires) || len(i.codes) >= maxCodes {
			delete(i.codes, c)
		}
	}
	i.codes[code] = grant{
		name: name, nonce: q.Get("nonce"), challenge: q.Get("code_challenge"), expires: now.Add(codeLifetime),
	}
	i.mu.Unlock()
	back := url.Values{"code": {code}, "state": {q.Get("state")}}
	http.Redirect(w, r, i.cfg.Redirect+"?"+back.Encode(), http.StatusSeeOther)
}

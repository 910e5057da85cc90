package devissuer

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
)

const tokenLifetime = 5 * time.Minute

// token trades a code, which works once, for an id_token.
func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if !same(id, i.cfg.ClientID) || !same(secret, i.cfg.ClientSecret) {
		refuse(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	if r.PostFormValue("grant_type") != "authorization_code" || r.PostFormValue("redirect_uri") != i.cfg.Redirect {
		refuse(w, http.StatusBadRequest, "invalid_request")
		return
	}
	now := i.cfg.Now()
	i.mu.Lock()
	g, ok := i.codes[r.PostFormValue("code")]
	delete(i.codes, r.PostFormValue("code"))
	i.mu.Unlock()
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || now.After(g.expires) || !same(base64.RawURLEncoding.EncodeToString(sum[:]), g.challenge) {
		refuse(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	token, err := jwt.Signed(i.signer).Claims(map[string]any{
		"iss": i.cfg.URL, "aud": i.cfg.ClientID, "sub": strings.ToLower(g.name), "name": g.name, "nonce": g.nonce,
		"iat": now.Unix(), "exp": now.Add(tokenLifetime).Unix(),
	}).Serialize()
	if err != nil {
		refuse(w, http.StatusInternalServerError, "server_error")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	reply(w, http.StatusOK, map[string]any{
		"access_token": "none", "token_type": "Bearer", "expires_in": int(tokenLifetime / time.Second),
		"id_token": token,
	})
}

func refuse(w http.ResponseWriter, status int, what string) {
	reply(w, status, map[string]string{"error": what})
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

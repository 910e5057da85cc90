package devissuer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"natster/internal/loopback"
)

// Config configures an issuer. All but Hint and Now are required.
type Config struct {
	URL                    string           // of the issuer, on loopback
	ClientID, ClientSecret string           // of its one client
	Redirect               string           // where it sends browsers back to
	Hint                   string           // for who has no cookie of [Issuer.Admit]: a sentence, what to do
	Now                    func() time.Time // time.Now if nil
}

// ErrLoopback means that the issuer was asked to serve another machine.
var ErrLoopback = errors.New("the development issuer serves this machine only")

// An Issuer serves its endpoints, below the handler's root.
type Issuer struct {
	cfg    Config
	secret string
	http   http.Handler
	key    jose.JSONWebKey
	signer jose.Signer

	mu    sync.Mutex
	codes map[string]grant
}

// New returns an issuer, with a secret of its own.
func New(c Config) (*Issuer, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("devissuer: %w", err)
	}
	if !loopback.Host(u.Hostname()) {
		return nil, fmt.Errorf("%s: %w", c.URL, ErrLoopback)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	pair, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("devissuer: %w", err)
	}
	i := &Issuer{cfg: c, secret: rand.Text(), codes: make(map[string]grant)}
	i.key = jose.JSONWebKey{Key: pair, KeyID: rand.Text(), Algorithm: string(jose.ES256), Use: "sig"}
	signing := jose.SigningKey{Algorithm: jose.ES256, Key: i.key}
	i.signer, err = jose.NewSigner(signing, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("devissuer: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /jwks", i.keys)
	mux.HandleFunc("GET /authorize", i.admitted(i.ask))
	mux.HandleFunc("POST /authorize", i.admitted(i.grant))
	mux.HandleFunc("POST /token", i.token)
	i.http = localOnly(mux)
	return i, nil
}

// ServeHTTP serves the issuer's endpoints.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) { i.http.ServeHTTP(w, r) }

// localOnly returns a handler that passes only requests of this machine to next.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		forwarded := r.Header.Get("Forwarded") != "" || r.Header.Get("X-Forwarded-For") != ""
		if forwarded || !loopback.Addr(r.RemoteAddr) {
			http.Error(w, ErrLoopback.Error(), http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]any{
		"issuer":                                i.cfg.URL,
		"authorization_endpoint":                i.cfg.URL + "/authorize",
		"token_endpoint":                        i.cfg.URL + "/token",
		"jwks_uri":                              i.cfg.URL + "/jwks",
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"},
		"code_challenge_methods_supported":      []string{"S256"},
		"scopes_supported":                      []string{"openid", "profile", "email"},
	})
}

func (i *Issuer) keys(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{i.key.Public()}})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // fails only if the client has gone
}

package web

import (
	"cmp"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"natster/internal/loopback"
)

const (
	issuerTimeout = 10 * time.Second // of a request to the issuer
	flowLifetime  = 15 * time.Minute // how long a person may take to sign in
)

// A login is the site's side of OpenID Connect.
type login struct {
	issuer   string
	client   Client
	redirect string
	aead     cipher.AEAD // seals flows into cookies; its key exists only in this process

	mu       sync.Mutex
	provider *oidc.Provider
}

// A flow is one attempt to sign in. The browser keeps it, sealed, in a cookie until it comes back from the issuer.
type flow struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	To       string    `json:"to"` // the path to go to afterwards
	Expires  time.Time `json:"expires"`
}

func newLogin(issuer string, client Client, redirect string) (*login, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails, as crypto/rand promises
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &login{issuer: issuer, client: client, redirect: redirect, aead: aead}, err
}

// discover returns the issuer's endpoints. It asks the issuer until it has answered once.
func (l *login) discover(ctx context.Context) (*oidc.Provider, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.provider != nil {
		return l.provider, nil
	}
	// The provider keeps this context and fetches the issuer's keys with it later, when this request has long ended.
	client := &http.Client{Timeout: issuerTimeout}
	p, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), client), l.issuer)
	if err != nil {
		return nil, fmt.Errorf("ask %s for its endpoints: %w", l.issuer, err)
	}
	l.provider = p
	return p, nil
}

func (l *login) oauth(p *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: l.client.ID, ClientSecret: l.client.Secret, Endpoint: p.Endpoint(), RedirectURL: l.redirect,
		Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
	}
}

// startLogin sends the browser to the issuer.
func (s *Site) startLogin(w http.ResponseWriter, r *http.Request) {
	p, err := s.login.discover(r.Context())
	if err != nil {
		s.cfg.Logger.Error("the issuer does not answer", "err", err)
		s.backHome(w, r, "unavailable")
		return
	}
	f := flow{
		State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(),
		To: localPath(r.URL.Query().Get("to")), Expires: s.cfg.Now().Add(flowLifetime),
	}
	sealed, err := s.login.seal(f)
	if err != nil {
		s.cfg.Logger.Error("login", "err", err)
		s.backHome(w, r, "failed")
		return
	}
	http.SetCookie(w, s.flowCookie(f.State, sealed, int(flowLifetime/time.Second)))
	to := s.login.oauth(p).AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier))
	http.Redirect(w, r, to, http.StatusFound)
}

// finishLogin takes the browser back from the issuer and starts a session.
func (s *Site) finishLogin(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	f, ok := s.takeFlow(w, r, q.Get("state"))
	switch {
	case !ok:
		s.backHome(w, r, "expired")
		return
	case q.Get("error") != "":
		s.backHome(w, r, "denied")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), issuerTimeout)
	defer cancel()
	who, err := s.login.redeem(ctx, f, q.Get("code"))
	if err != nil {
		s.cfg.Logger.Warn("login failed", "err", err)
		s.backHome(w, r, "failed")
		return
	}
	s.sessions.end(r) // a browser has one session
	s.sessions.start(w, who.login, who.name)
	http.Redirect(w, r, f.To, http.StatusFound)
}

// A person is who has signed in, as the issuer says.
type person struct{ login, name string }

// redeem trades the code for an identity and checks that it belongs to the flow.
func (l *login) redeem(ctx context.Context, f flow, code string) (person, error) {
	p, err := l.discover(ctx)
	if err != nil {
		return person{}, err
	}
	token, err := l.oauth(p).Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return person{}, fmt.Errorf("trade the code: %w", withoutBody(err))
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return person{}, fmt.Errorf("%s sent no id_token", l.issuer)
	}
	id, err := p.Verifier(&oidc.Config{ClientID: l.client.ID}).Verify(ctx, raw)
	if err != nil {
		return person{}, fmt.Errorf("id_token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.Nonce)) != 1 {
		return person{}, fmt.Errorf("id_token: it is for another login")
	}
	var c struct {
		Name     string `json:"name"`
		Username string `json:"preferred_username"`
		Email    string `json:"email"`
	}
	if err := id.Claims(&c); err != nil {
		return person{}, fmt.Errorf("id_token: %w", err)
	}
	return person{loginID(id.Issuer, id.Subject), cmp.Or(c.Name, c.Username, c.Email, id.Subject)}, nil
}

// loginID returns the identifier that an account is bound to. It contains the issuer, because a subject is unique only
// there.
func loginID(issuer, subject string) string {
	if u, err := url.Parse(issuer); err == nil && u.Host != "" {
		if strings.HasSuffix(u.Path, devPath) && loopback.Host(u.Hostname()) {
			return "dev|" + subject // without the port, which may differ tomorrow
		}
		issuer = u.Host + strings.TrimSuffix(u.Path, "/")
	}
	return issuer + "|" + subject
}

// withoutBody returns err without the issuer's answer, which may quote a code and must not be logged.
func withoutBody(err error) error {
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return fmt.Errorf("%s %s", e.Response.Status, e.ErrorCode)
	}
	return err
}

func (l *login) seal(f flow) (string, error) {
	plain, err := json.Marshal(f)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(l.aead.Seal(nil, nil, plain, []byte("natster login "+f.State))), nil
}

func (l *login) open(sealed, state string) (f flow, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return f, false
	}
	plain, err := l.aead.Open(nil, nil, b, []byte("natster login "+state))
	if err != nil {
		return f, false
	}
	return f, json.Unmarshal(plain, &f) == nil
}

// flowCookie returns the cookie of a flow. Each flow has a cookie of its own, so that two tabs can sign in at once.
// Over TLS it is one that no other site can set: whoever could would have the browser finish a login that is not its
// own.
func (s *Site) flowCookie(state, value string, maxAge int) *http.Cookie {
	c := s.sessions.newCookie(value, maxAge)
	if c.Name += "-login-" + state[:8]; !c.Secure {
		c.Path = CallbackPath // of a name with __Host- it has to be /
	}
	return c
}

// takeFlow returns the flow that the browser kept under state, and deletes it there.
func (s *Site) takeFlow(w http.ResponseWriter, r *http.Request, state string) (flow, bool) {
	if len(state) != len(rand.Text()) || strings.Trim(state, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		return flow{}, false
	}
	c, err := r.Cookie(s.flowCookie(state, "", 0).Name)
	if err != nil {
		return flow{}, false
	}
	http.SetCookie(w, s.flowCookie(state, "", -1))
	f, ok := s.login.open(c.Value, state)
	return f, ok && f.State == state && s.cfg.Now().Before(f.Expires)
}

// backHome sends the browser to the start page, which shows the problem.
func (s *Site) backHome(w http.ResponseWriter, r *http.Request, problem string) {
	http.Redirect(w, r, "/?login="+problem, http.StatusFound)
}

// maxTo bounds the path to go to after a login, in bytes: a browser drops cookies beyond 4 KiB.
const maxTo = 2048

// localPath returns p if it is a path of this site that does not lead to a login, and otherwise "/".
func localPath(p string) string {
	u, err := url.Parse(p)
	if err != nil || len(p) > maxTo {
		return "/"
	}
	if at := path.Clean(u.Path); strings.HasPrefix(at, "/login") || strings.HasPrefix(at, CallbackPath) {
		return "/"
	}
	return pagePath(p)
}

// pagePath returns p if it is a path of this site, and otherwise "/".
func pagePath(p string) string {
	u, err := url.Parse(p)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil ||
		!strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") || strings.ContainsAny(p, "\\\r\n\t") {
		return "/"
	}
	return p
}

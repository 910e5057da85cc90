package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"natster/events"
	"natster/functions/api"
)

// maxSessions bounds the sessions in memory; beyond it the session that expires first is ended.
const maxSessions = 100_000

// A session is one login of one browser.
type session struct {
	login   string // issuer and subject; accounts are bound to it
	name    string // of the person, for the page to show
	expires time.Time
	alive   context.Context // ends at logout, or with the site
	end     context.CancelFunc
	users   minted // that can connect while it is alive
}

// sessions are stored by the hash of the cookie, so that a dump of memory contains no login.
type sessions struct {
	now      func() time.Time
	lifetime time.Duration
	secure   bool
	cookie   string
	alive    context.Context // of the site
	endAll   context.CancelFunc

	mu   sync.Mutex
	byID map[[sha256.Size]byte]*session
}

func newSessions(now func() time.Time, lifetime time.Duration, secure bool) *sessions {
	s := &sessions{now: now, lifetime: lifetime, secure: secure, cookie: "natster"}
	s.byID = make(map[[sha256.Size]byte]*session)
	s.alive, s.endAll = context.WithCancel(context.Background())
	if secure {
		s.cookie = "__Host-natster" // the browser then refuses one that a subdomain sets
	}
	return s
}

// start makes a session and gives the browser its cookie.
func (s *sessions) start(w http.ResponseWriter, login, name string) {
	id := rand.Text() + rand.Text()
	x := &session{login: login, name: name, expires: s.now().Add(s.lifetime)}
	x.alive, x.end = context.WithCancel(s.alive)
	s.mu.Lock()
	s.sweep()
	s.byID[sha256.Sum256([]byte(id))] = x
	s.mu.Unlock()
	http.SetCookie(w, s.newCookie(id, int(s.lifetime/time.Second)))
}

func (s *sessions) newCookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: s.cookie, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	}
}

// of returns the session of a request, or nil if it has none or that has expired.
func (s *sessions) of(r *http.Request) *session {
	c, err := r.Cookie(s.cookie)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.byID[sha256.Sum256([]byte(c.Value))]
	if x == nil || !s.now().Before(x.expires) {
		return nil
	}
	return x
}

// end ends the session of a request and cuts its WebSockets.
func (s *sessions) end(r *http.Request) {
	c, err := r.Cookie(s.cookie)
	if err != nil {
		return
	}
	id := sha256.Sum256([]byte(c.Value))
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.byID[id]; x != nil {
		x.end()
		delete(s.byID, id)
	}
}

// sweep removes the sessions that have expired and, if there are maxSessions, the one that expires first. The caller
// holds mu.
func (s *sessions) sweep() {
	now := s.now()
	var first [sha256.Size]byte
	var found *session
	for id, x := range s.byID {
		if !now.Before(x.expires) {
			x.end()
			delete(s.byID, id)
		} else if found == nil || x.expires.Before(found.expires) {
			first, found = id, x
		}
	}
	if len(s.byID) >= maxSessions {
		found.end()
		delete(s.byID, first)
	}
}

// maxQuestion bounds the body of a request of the page, in bytes.
const maxQuestion = 4096

// A sessionReply says who is signed in, and as which account.
//
//	{"signed_in":true,"name":"Alice","login":"dev|alice","expires":1732082400,
//	 "linked":true,"account":"AAL…","account_name":"alice"}
type sessionReply struct {
	SignedIn    bool           `json:"signed_in"`
	Development bool           `json:"development,omitempty"` // whoever has the key signs in under any name
	Name        string         `json:"name,omitempty"`
	Login       string         `json:"login,omitempty"`
	Expires     int64          `json:"expires,omitempty"` // unix seconds
	Linked      bool           `json:"linked"`
	Account     events.Account `json:"account,omitzero"`
	AccountName string         `json:"account_name,omitempty"`
	Hub         events.Account `json:"hub,omitzero"`
}

// about returns what the page is told about session x, which is linked to account a unless that is zero.
func (s *Site) about(x *session, a events.Account, name string) sessionReply {
	return sessionReply{
		SignedIn: true, Development: s.Development(), Name: x.name, Login: x.login, Expires: x.expires.Unix(),
		Linked: !a.IsZero(), Account: a, AccountName: name, Hub: s.cfg.Hub,
	}
}

// session answers who is signed in, and as which account.
func (s *Site) session(w http.ResponseWriter, r *http.Request) {
	x := s.sessions.of(r)
	if x == nil {
		answer(w, sessionReply{Development: s.Development()})
		return
	}
	if !s.mayAsk(w, x) {
		return
	}
	bound, err := s.ask.GetContext(r.Context(), x.login)
	if err != nil && !errors.Is(err, api.ErrNotFound) {
		s.failed(w, err)
		return
	}
	answer(w, s.about(x, bound.Context.AccountPublicKey, bound.Context.AccountName)) // of none if it is not found
}

// claim uses a one-time code and binds its account to the login.
func (s *Site) claim(w http.ResponseWriter, r *http.Request, x *session) {
	var q struct {
		Code string `json:"code"`
	}
	if !question(w, r, &q) {
		return
	}
	about, err := s.ask.ClaimCode(r.Context(), q.Code, x.login)
	if err != nil {
		s.failed(w, err)
		return
	}
	x.users.forget() // who may be another account's
	s.cfg.Logger.Info("account linked", "account", about.AccountPublicKey, "login", x.login)
	answer(w, s.about(x, about.AccountPublicKey, about.AccountName))
}

// mint answers with a short-lived user of the login's account, for a key that the browser made.
func (s *Site) mint(w http.ResponseWriter, r *http.Request, x *session) {
	var q struct {
		UserKey string `json:"user_key"`
	}
	if !question(w, r, &q) {
		return
	}
	bound, err := s.ask.GetContext(r.Context(), x.login)
	switch {
	case errors.Is(err, api.ErrNotFound):
		refuse(w, http.StatusConflict, "unlinked", "this login is not linked to an account yet: run natster login")
		return
	case err != nil:
		s.failed(w, err)
		return
	case bound.Context.WebKey == "":
		refuse(w, http.StatusConflict, "unlinked",
			"this login was linked without permission for web sessions: run natster login again")
		return
	}
	request := api.MintRequest{OAuthID: x.login, WebKey: bound.Context.WebKey, UserKey: q.UserKey}
	user, err := api.Call(r.Context(), s.ask, api.MintWeb, request)
	if err != nil {
		s.failed(w, err)
		return
	}
	x.users.add(q.UserKey, user.JWT, user.Expires, s.cfg.Now())
	answer(w, user)
}

// logout ends the session of this browser, and its WebSockets.
func (s *Site) logout(w http.ResponseWriter, r *http.Request) {
	s.sessions.end(r)
	http.SetCookie(w, s.sessions.newCookie("", -1)) // the browser forgets its own
	answer(w, sessionReply{Development: s.Development()})
}

// signedIn returns a handler that calls h with the request's session, and refuses a request without one.
func (s *Site) signedIn(h func(http.ResponseWriter, *http.Request, *session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		x := s.sessions.of(r)
		if x == nil {
			refuse(w, http.StatusUnauthorized, "signed_out", "you are signed out: sign in again")
			return
		}
		if s.mayAsk(w, x) {
			h(w, r, x)
		}
	}
}

// How often the sessions of one login may have the site ask functions. To those, all that the site asks comes from one
// account: without these, one person could take the turns of all others.
const (
	questionsPerSecond = 5
	questionsAtOnce    = 200 // after a time of rest
)

// mayAsk reports whether the login of x may ask something now; otherwise the request is answered.
func (s *Site) mayAsk(w http.ResponseWriter, x *session) bool {
	wait := s.pace.Take(x.login, s.cfg.Now())
	if wait > 0 {
		seconds := int(math.Ceil(wait.Seconds()))
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		refuse(w, http.StatusTooManyRequests, "too_many",
			fmt.Sprintf("this login has asked too much: try again in %d s", seconds))
	}
	return wait == 0
}

// failed answers with the refusal of a function. An internal error is logged and not shown.
func (s *Site) failed(w http.ResponseWriter, err error) {
	refusal, internal := api.Refusal(err)
	if internal {
		s.cfg.Logger.Error("request failed", "err", err)
	}
	reason := map[api.Code]string{
		api.CodeNotFound: "not_found", api.CodeGone: "unlinked", api.CodeBadRequest: "bad_request",
		api.CodeForbidden: "forbidden", api.CodeTooMany: "too_many", api.CodeUnavailable: "unavailable",
	}[refusal.Code]
	if reason == "" {
		reason = "internal"
	}
	refuse(w, int(refusal.Code), reason, refusal.Message)
}

// question reads the JSON body into q. It reports whether it could; otherwise the request is answered.
func question(w http.ResponseWriter, r *http.Request, q any) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxQuestion))
	if err == nil {
		err = json.Unmarshal(body, q)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "bad_request", "the request cannot be read")
		return false
	}
	return true
}

func answer(w http.ResponseWriter, v any) { answerWith(w, http.StatusOK, v) }

func answerWith(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // fails only if the browser has gone
}

// refuse answers with an error: a word for the page and a sentence for the person.
func refuse(w http.ResponseWriter, status int, reason, sentence string) {
	answerWith(w, status, map[string]string{"reason": reason, "error": sentence})
}

package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"sync"
	"time"
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
}

// sessions are stored by the hash of the cookie, so that a dump of memory contains no login.
type sessions struct {
	now      func() time.Time
	lifetime time.Duration
	secure   bool
	cookie   string

	mu   sync.Mutex
	byID map[[sha256.Size]byte]*session
}

func newSessions(now func() time.Time, lifetime time.Duration, secure bool) *sessions {
	s := &sessions{now: now, lifetime: lifetime, secure: secure, cookie: "natster"}
	s.byID = make(map[[sha256.Size]byte]*session)
	if secure {
		s.cookie = "__Host-natster" // the browser then refuses one that a subdomain sets
	}
	return s
}

// start makes a session and gives the browser its cookie.
func (s *sessions) start(w http.ResponseWriter, login, name string) {
	id := rand.Text() + rand.Text()
	x := &session{login: login, name: name, expires: s.now().Add(s.lifetime)}
	x.alive, x.end = context.WithCancel(context.Background())
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

// stop ends the session of a request, and makes the browser forget its cookie.
func (s *sessions) stop(w http.ResponseWriter, r *http.Request) {
	s.end(r)
	http.SetCookie(w, s.newCookie("", -1))
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

func (s *sessions) endAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, x := range s.byID {
		x.end()
		delete(s.byID, id)
	}
}

package web

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/functions/api"
	"natster/internal/limiter"
	"natster/internal/loopback"
	"natster/workloads/web/devissuer"
)

// Config configures a Site. URL, Functions, NATS and SignProxy are required.
type Config struct {
	// URL is where browsers find the site: scheme, host and port, nothing else.
	URL string
	// Functions is a connection of the site's account; it stays the caller's to close.
	Functions *nats.Conn
	// NATS is the world's WebSocket listener (ws:// or wss://), and TLS how to trust it.
	NATS string
	TLS  *tls.Config
	// SignProxy signs a challenge of the NATS server with the key by which it trusts the site as a proxy: users of web
	// sessions are let in only by it. Required.
	SignProxy func(nonce []byte) ([]byte, error)
	// Hub is the account whose catalog every new account imports; the page shows it by name. None if zero.
	Hub events.Account

	// Issuer is the URL of the OpenID Connect issuer, and Client the site's registration there. Without an issuer the
	// site serves one of its own for development, and then URL has to be on loopback; see [Site.OpenURL].
	Issuer string
	Client Client

	// Lifetime of a login; 12 hours if 0.
	Lifetime time.Duration

	Logger *slog.Logger     // nil: nothing is logged
	Now    func() time.Time // nil: time.Now
}

// A Client is the site's registration at the issuer. The redirect URI to register is URL + [CallbackPath].
type Client struct{ ID, Secret string }

// CallbackPath is where the issuer sends browsers back to.
const CallbackPath = "/callback"

// ClaimPath is the page on which a person claims a one-time code.
const ClaimPath = "/claim"

// Errors about a Config.
var (
	ErrURL      = errors.New("the site's URL must be http(s)://host[:port] and nothing else")
	ErrNoIssuer = errors.New("beyond this machine the site needs an OpenID Connect issuer: " +
		"the one for development is for loopback only")
	ErrClient = errors.New("the issuer needs to know the site: a client id is missing")
	ErrPlain  = errors.New("beyond this machine browsers need https: " +
		"without it they have neither service workers nor keys")
)

const devPath = "/dev-issuer" // of the development issuer

// A Site is the website's server. New makes it, Serve serves it on a listener.
type Site struct {
	cfg      Config
	url      *url.URL
	ask      *api.Client
	sessions *sessions
	login    *login
	pace     *limiter.Allowance[string] // of each login's questions to functions
	waits    waits
	dev      *devissuer.Issuer // nil: another issuer
	assets   assets
	handler  http.Handler
}

// New returns the site that c describes.
func New(c Config) (*Site, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") ||
		(u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q: %w", c.URL, ErrURL)
	}
	u.Path = ""
	switch {
	case !loopback.Host(u.Hostname()) && u.Scheme != "https":
		return nil, fmt.Errorf("%s: %w", u, ErrPlain)
	case c.Issuer == "" && !loopback.Host(u.Hostname()):
		return nil, fmt.Errorf("%s: %w", u, ErrNoIssuer)
	case c.Issuer != "" && c.Client.ID == "":
		return nil, ErrClient
	case c.Functions == nil:
		return nil, errors.New("web: no connection of the site's account")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Lifetime <= 0 {
		c.Lifetime = 12 * time.Hour
	}
	s := &Site{cfg: c, url: u, ask: api.NewClient(c.Functions), waits: usualWaits}
	s.pace = limiter.NewAllowance[string](questionsPerSecond, questionsAtOnce)
	s.sessions = newSessions(c.Now, c.Lifetime, u.Scheme == "https")
	if s.assets, err = builtPage(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	client, issuer := c.Client, c.Issuer
	if issuer == "" {
		issuer, client = u.String()+devPath, Client{ID: "natster", Secret: rand.Text()}
		s.dev, err = devissuer.New(devissuer.Config{
			URL: issuer, ClientID: client.ID, ClientSecret: client.Secret,
			Redirect: u.String() + CallbackPath, Hint: s.hint(), Now: c.Now,
		})
		if err != nil {
			return nil, err
		}
		mux.Handle(devPath+"/", http.StripPrefix(devPath, s.dev))
		mux.HandleFunc("GET "+keyPath+"{secret}", s.takeKey)
		mux.HandleFunc("GET "+keyPath+"{secret}/{to...}", s.takeKey)
	}
	if s.login, err = newLogin(issuer, client, u.String()+CallbackPath); err != nil {
		return nil, err
	}
	proxy, err := s.proxy()
	if err != nil {
		return nil, err
	}
	mux.Handle("GET /nats", proxy)
	mux.HandleFunc("GET /login", s.startLogin)
	mux.HandleFunc("GET "+CallbackPath, s.finishLogin)
	mux.HandleFunc("GET /api/session", s.session)
	mux.HandleFunc("POST /api/claim", s.signedIn(s.claim))
	mux.HandleFunc("POST /api/mint", s.signedIn(s.mint))
	mux.HandleFunc("POST /api/logout", s.logout)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "unknown", "no such question")
	})
	mux.HandleFunc("/media/", noWorker)
	mux.HandleFunc("/", s.page)
	s.handler = s.guard(mux)
	return s, nil
}

// Development reports whether the site has its own issuer, at which whoever knows its secret signs in under any name.
func (s *Site) Development() bool { return s.dev != nil }

// Check returns ErrNoIssuer if the site may not be served on l: with its development issuer only on loopback.
func (s *Site) Check(l net.Listener) error {
	if s.Development() && !loopback.Addr(l.Addr().String()) {
		return ErrNoIssuer
	}
	return nil
}

// waits are how long the site waits for a browser before it closes the connection. A WebSocket, once it is one, ends
// otherwise.
type waits struct {
	header  time.Duration // of a request
	request time.Duration // all of it
	answer  time.Duration // to be taken, from the request's header on
	next    time.Duration // request on the same connection
}

var usualWaits = waits{10 * time.Second, 30 * time.Second, 5 * time.Minute, 2 * time.Minute}

// Serve serves the site on l until ctx is done, and then returns nil. It closes l, ends all WebSockets, and returns
// when all its goroutines have ended.
func (s *Site) Serve(ctx context.Context, l net.Listener) error {
	if err := s.Check(l); err != nil {
		return errors.Join(err, l.Close())
	}
	const shutdownTimeout = 3 * time.Second
	h := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: s.waits.header,
		ReadTimeout:       s.waits.request,
		WriteTimeout:      s.waits.answer,
		IdleTimeout:       s.waits.next,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("web: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := h.Shutdown(stopping)
	if err != nil {
		err = errors.Join(err, h.Close())
	}
	s.sessions.endAll()
	<-ended
	return err
}

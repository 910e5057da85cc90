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
	"natster/workloads/web/devissuer"
)

// Config is what a site is made of. URL, Functions and NATS are required.
type Config struct {
	// URL is where browsers find the site: scheme, host and port, nothing else.
	URL string
	// Functions is a connection of the site's account; it stays the caller's to close.
	Functions *nats.Conn
	// NATS is the world's WebSocket listener (ws:// or wss://), and TLS how to trust it.
	NATS string
	TLS  *tls.Config
	// Hub is the account that everybody is given a catalog of, for the page to call by a name. None if zero.
	Hub events.Account

	// Issuer is the OpenID Connect issuer, by discovery, and Client the site's registration there. Without an issuer the site
	// brings its own for development, and then URL has to be on loopback.
	Issuer string
	Client Client

	// Lifetime of a login; 12 hours if 0.
	Lifetime time.Duration

	Logger *slog.Logger     // nil: discarded
	Now    func() time.Time // nil: time.Now
}

// A Client is how the issuer knows the site. The redirect URI to register is URL + [CallbackPath].
type Client struct{ ID, Secret string }

// CallbackPath is where the issuer sends browsers back to.
const CallbackPath = "/callback"

// ClaimPath is the page on which a person claims a one-time code.
const ClaimPath = "/claim"

// What can be wrong with a Config.
var (
	ErrURL      = errors.New("the site's URL must be http(s)://host[:port] and nothing else")
	ErrNoIssuer = errors.New("beyond this machine the site needs an OpenID Connect issuer: the one for development is for loopback only")
	ErrClient   = errors.New("the issuer needs to know the site: a client id is missing")
	ErrPlain    = errors.New("beyond this machine browsers need https: without it they have neither service workers nor keys")
)

const devPath = "/dev-issuer" // of the development issuer

// A Site is the website's server. Its Handler serves as soon as it is made; Serve adds a listener.
type Site struct {
	cfg      Config
	url      *url.URL
	log      *slog.Logger
	now      func() time.Time
	ask      *api.Client
	sessions *sessions
	login    *login
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
	case !loopback(u.Hostname()) && u.Scheme != "https":
		return nil, fmt.Errorf("%s: %w", u, ErrPlain)
	case c.Issuer == "" && !loopback(u.Hostname()):
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
	s := &Site{cfg: c, url: u, log: c.Logger, now: c.Now, ask: api.NewClient(c.Functions)}
	s.sessions = newSessions(c.Now, c.Lifetime, u.Scheme == "https")
	if s.assets, err = builtPage(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	client, issuer := c.Client, c.Issuer
	if issuer == "" {
		issuer, client = u.String()+devPath, Client{ID: "natster", Secret: rand.Text()}
		dev, err := devissuer.New(devissuer.Config{
			URL: issuer, ClientID: client.ID, ClientSecret: client.Secret, Redirect: u.String() + CallbackPath, Now: c.Now,
		})
		if err != nil {
			return nil, err
		}
		mux.Handle(devPath+"/", http.StripPrefix(devPath, dev))
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

// Development tells whether anybody on this machine can sign in under any name.
func (s *Site) Development() bool { return s.cfg.Issuer == "" }

// Handler is the whole site.
func (s *Site) Handler() http.Handler { return s.handler }

// Check tells whether the site may be served on l: the development issuer's only on loopback.
func (s *Site) Check(l net.Listener) error {
	if s.Development() && !loopbackListener(l) {
		return ErrNoIssuer
	}
	return nil
}

// Serve serves on l until ctx is done, which is no error. It closes l, ends all WebSockets, and returns when nothing of it
// runs any more.
func (s *Site) Serve(ctx context.Context, l net.Listener) error {
	if err := s.Check(l); err != nil {
		return errors.Join(err, l.Close())
	}
	const header, patience = 10 * time.Second, 3 * time.Second
	h := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: header,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("web: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	err := h.Shutdown(stopping)
	if err != nil {
		err = errors.Join(err, h.Close())
	}
	s.sessions.endAll()
	<-ended
	return err
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func loopbackListener(l net.Listener) bool {
	a, ok := l.Addr().(*net.TCPAddr)
	return ok && a.IP.IsLoopback()
}

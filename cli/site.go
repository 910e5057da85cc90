package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"

	"github.com/nats-io/nats.go"

	"natster/deploy/world"
	"natster/workloads/web"
)

// defaultSite is where the website listens when nobody says otherwise and it is free.
const defaultSite = "127.0.0.1:7481"

// A site is the website of a world on this machine. It has its address before the world starts, so that one-time codes can
// be told where they are claimed.
type site struct {
	url      string
	listener net.Listener

	conn   *nats.Conn
	cancel context.CancelFunc
	ended  chan error
}

// siteOptions are what the website is told beyond its address.
type siteOptions struct {
	issuer, clientID, clientSecret string
	logger                         *slog.Logger
}

// listenSite takes the website's address: wish, or the usual one, or any port if the usual one is taken. A url is what
// browsers call the site, where that is something else.
func listenSite(wish, url string) (*site, error) {
	l, err := net.Listen("tcp", cmp.Or(wish, defaultSite))
	if err != nil && wish == "" {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("the website cannot listen: %w", err)
	}
	return &site{url: cmp.Or(strings.TrimSuffix(url, "/"), "http://"+l.Addr().String()), listener: l}, nil
}

// claimURL is where one-time codes are claimed.
func (s *site) claimURL() string { return s.url + web.ClaimPath }

// start serves the website of the running world in dir, until stop.
func (s *site) start(ctx context.Context, dir string, o siteOptions) error {
	info, err := world.Find(dir)
	if err != nil {
		return err
	}
	var trust *tls.Config
	if info.Fingerprint != "" {
		if trust, err = world.PinnedTLS(info.Fingerprint); err != nil {
			return err
		}
	}
	if s.conn, err = world.Website(ctx, dir); err != nil {
		return err
	}
	w, err := web.New(web.Config{
		URL: s.url, Functions: s.conn, NATS: info.WebSocketURL, TLS: trust, Hub: info.Hub,
		Issuer: o.issuer, Client: web.Client{ID: o.clientID, Secret: o.clientSecret}, Logger: o.logger,
	})
	if err != nil {
		return err
	}
	if err := w.Check(s.listener); err != nil {
		return err
	}
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel, s.ended = cancel, make(chan error, 1)
	go func() { s.ended <- w.Serve(serving, s.listener) }()
	return nil
}

// wait returns when ctx is done, or the website has ended by itself.
func (s *site) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-s.ended:
		s.ended <- nil // for stop, which has nothing to add
		return err
	}
}

// stop ends the website, however far it got.
func (s *site) stop() error {
	var err error
	if s.cancel != nil {
		s.cancel()
		err = <-s.ended
		if errors.Is(err, context.DeadlineExceeded) {
			err = nil // a browser that would not let go was cut off
		}
	} else {
		err = s.listener.Close()
	}
	if s.conn != nil {
		s.conn.Close()
	}
	return err
}

// A devPage is the website that devrun brings along, unless it was told not to: then it is nil, and does nothing.
type devPage site

// devSite takes the address for it.
func devSite(wish string) (*devPage, error) {
	if wish == "off" {
		return nil, nil
	}
	s, err := listenSite(wish, "")
	return (*devPage)(s), err
}

func (p *devPage) address() string {
	if p == nil {
		return ""
	}
	return p.url
}

func (p *devPage) claims() string {
	if p == nil {
		return ""
	}
	return (*site)(p).claimURL()
}

func (p *devPage) serve(ctx context.Context, dir string, logger *slog.Logger) error {
	if p == nil {
		return nil
	}
	return siteHint((*site)(p).start(ctx, dir, siteOptions{logger: logger}))
}

func (p *devPage) wait(ctx context.Context) error {
	if p == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	return (*site)(p).wait(ctx)
}

func (p *devPage) end() error {
	if p == nil {
		return nil
	}
	return (*site)(p).stop()
}

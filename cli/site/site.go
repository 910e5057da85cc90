// Package site is the website of a world on this machine, as natster web, devrun and the demo serve it.
package site

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

// DefaultAddress is where the website listens unless another address is given or this one is taken.
const DefaultAddress = "127.0.0.1:7481"

// A Site is the website of a world on this machine. It has its address before the world starts, which has to know where
// one-time codes are claimed. A nil Site is no website: it has no address, and all it does is wait.
type Site struct {
	url      string
	open     string // from Start on
	listener net.Listener

	conn   *nats.Conn
	cancel context.CancelFunc
	ended  chan error
}

// Options are the settings of a website beyond its address.
type Options struct {
	Issuer string // of OpenID Connect; or a development issuer, on loopback
	Client web.Client
	Logger *slog.Logger
}

// Listen takes the website's address: wish, or the usual one, or any port if the usual one is taken. A url is what
// browsers call the site, where that is something else.
func Listen(wish, url string) (*Site, error) {
	l, err := net.Listen("tcp", cmp.Or(wish, DefaultAddress))
	if err != nil && wish == "" {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("the website cannot listen: %w", err)
	}
	return &Site{url: cmp.Or(strings.TrimSuffix(url, "/"), "http://"+l.Addr().String()), listener: l}, nil
}

// URL returns the address, or nothing for no website.
func (s *Site) URL() string {
	if s == nil {
		return ""
	}
	return s.url
}

// OpenURL returns the address for a person to open in a browser, once the website is started, or nothing for no
// website. At a development issuer whoever has it may sign in under any name: it is for the terminal only.
func (s *Site) OpenURL() string {
	if s == nil {
		return ""
	}
	return s.open
}

// ClaimURL returns where one-time codes are claimed, or nothing for no website.
func (s *Site) ClaimURL() string {
	if s == nil {
		return ""
	}
	return s.url + web.ClaimPath
}

// Start serves the website of the running world in dir, until Stop.
func (s *Site) Start(ctx context.Context, dir string, o Options) error {
	if s == nil {
		return nil
	}
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
	proxy, err := world.ProxyKey(dir)
	if err != nil {
		return err
	}
	w, err := web.New(web.Config{
		URL: s.url, Functions: s.conn, NATS: info.WebSocketURL, TLS: trust, SignProxy: proxy.Sign, Hub: info.Hub,
		Issuer: o.Issuer, Client: o.Client, Logger: o.Logger,
	})
	if err != nil {
		return err
	}
	if err := w.Check(s.listener); err != nil {
		return err
	}
	s.open = w.OpenURL()
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel, s.ended = cancel, make(chan error, 1)
	go func() { s.ended <- w.Serve(serving, s.listener) }()
	return nil
}

// Wait returns when ctx is done, or the website has ended by itself.
func (s *Site) Wait(ctx context.Context) error {
	if s == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-s.ended:
		s.ended <- nil // for Stop, which has nothing to add
		return err
	}
}

// Stop ends the website, however far it got.
func (s *Site) Stop() error {
	if s == nil {
		return nil
	}
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

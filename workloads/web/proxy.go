package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// proxy forwards WebSockets of signed-in pages of this site to the world's NATS server, until they or their session
// end. The browser authenticates to NATS with a key of its own: the proxy can drop the connection, but not use it.
func (s *Site) proxy() (http.Handler, error) {
	at, err := url.Parse(s.cfg.NATS)
	if err != nil || at.Host == "" || at.Scheme != "ws" && at.Scheme != "wss" {
		return nil, fmt.Errorf("web: %q is not a WebSocket address", s.cfg.NATS)
	}
	to := url.URL{Scheme: strings.Replace(at.Scheme, "ws", "http", 1), Host: at.Host, Path: "/"}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.DisableCompression = true
	if s.cfg.TLS != nil {
		transport.TLSClientConfig = s.cfg.TLS.Clone()
		transport.ForceAttemptHTTP2 = false // WebSocket is HTTP/1.1
	}
	p := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			out := to
			r.Out.URL, r.Out.Host = &out, to.Host
			r.Out.Header.Del("Cookie") // the NATS server must not see the login
			r.Out.Header.Del("Origin")
			r.Out.Header.Del("Sec-WebSocket-Extensions") // compression of ciphertext is wasted work
			r.Out.Header.Set("User-Agent", "natster")    // for a browser's, the server cuts messages into 4 KiB
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				s.cfg.Logger.Debug("NATS server not reached", "err", err)
			}
			refuse(w, http.StatusBadGateway, "unavailable", "the world is not running: try again")
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := s.sessions.of(r)
		switch {
		case !s.ownOrigin(r):
			refuse(w, http.StatusForbidden, "origin", "refused: the request comes from another site")
			return
		case x == nil:
			refuse(w, http.StatusUnauthorized, "signed_out", "you are signed out: sign in again")
			return
		case r.Header.Get("Upgrade") == "":
			refuse(w, http.StatusUpgradeRequired, "bad_request", "this is a WebSocket")
			return
		}
		ctx, cancel := context.WithDeadline(r.Context(), x.expires)
		defer cancel()
		defer context.AfterFunc(x.alive, cancel)() // logout cuts the WebSocket
		p.ServeHTTP(w, r.WithContext(ctx))
	}), nil
}

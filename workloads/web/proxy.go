package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// proxy forwards WebSockets of signed-in pages of this site to the world's NATS server, until they or their session
// end. The browser authenticates to NATS with a key of its own: the proxy can drop the connection, but not use it.
func (s *Site) proxy() (http.Handler, error) {
	to, err := url.Parse(s.cfg.NATS)
	if err != nil || to.Host == "" {
		return nil, fmt.Errorf("web: %q is no WebSocket address", s.cfg.NATS)
	}
	switch to.Scheme {
	case "ws":
		to.Scheme = "http"
	case "wss":
		to.Scheme = "https"
	default:
		return nil, fmt.Errorf("web: %q is no WebSocket address", s.cfg.NATS)
	}
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
			out := &url.URL{Scheme: to.Scheme, Host: to.Host, Path: "/"}
			r.Out.URL, r.Out.Host = out, to.Host
			r.Out.Header.Del("Cookie") // the NATS server must not see the login
			r.Out.Header.Del("Origin")
			r.Out.Header.Del("Sec-WebSocket-Extensions") // compression of ciphertext is wasted work
			r.Out.Header.Set("User-Agent", "natster")    // for a browser's, the server cuts messages into 4 KiB
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				s.log.Debug("NATS server not reached", "err", err)
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

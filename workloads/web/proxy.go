package web

import (
	"context"
	"net/http"

	"natster/workloads/web/gate"
)

// proxy forwards WebSockets of signed-in pages of this site to the world's NATS server, until they or their session
// end. The browser authenticates to NATS with a key of its own: the proxy can drop the connection, but not use it. It
// vouches there for users that the same session had minted, and nowhere else can they be used.
func (s *Site) proxy() (http.Handler, error) {
	g, err := gate.New(gate.Config{
		NATS: s.cfg.NATS, TLS: s.cfg.TLS, Sign: s.cfg.SignProxy, Logger: s.cfg.Logger,
		Failed: func(w http.ResponseWriter) {
			refuse(w, http.StatusBadGateway, "unavailable", "the world is not running: try again")
		},
	})
	if err != nil {
		return nil, err
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
		g.Serve(w, r.WithContext(ctx), x.users.find)
	}), nil
}

package gate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// Config configures a Gate. NATS and Sign are required.
type Config struct {
	NATS string      // the NATS server's WebSocket listener, ws:// or wss://
	TLS  *tls.Config // how to trust it
	// Sign signs the server's challenge with a key that the server trusts as a proxy's. It may be called concurrently.
	Sign   func(nonce []byte) ([]byte, error)
	Logger *slog.Logger // nil: nothing is logged
	// Failed answers a request for which the NATS server could not be reached. Nil: with status 502.
	Failed func(w http.ResponseWriter)
}

// A Gate forwards WebSockets to a NATS server. It may be used concurrently.
type Gate struct {
	cfg   Config
	proxy *httputil.ReverseProxy
}

// Admit says whether the user whose JWT this is may connect, and which public key the JWT is for.
type Admit func(jwt string) (user string, ok bool)

type admitKey struct{}

// New returns the gate to the server that c describes.
func New(c Config) (*Gate, error) {
	at, err := url.Parse(c.NATS)
	if err != nil || at.Host == "" || at.Scheme != "ws" && at.Scheme != "wss" {
		return nil, fmt.Errorf("gate: %q is not a WebSocket address", c.NATS)
	}
	if c.Sign == nil {
		return nil, errors.New("gate: no key that the NATS server trusts")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Failed == nil {
		c.Failed = func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }
	}
	to := url.URL{Scheme: strings.Replace(at.Scheme, "ws", "http", 1), Host: at.Host, Path: "/"}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.DisableCompression = true
	if c.TLS != nil {
		transport.TLSClientConfig = c.TLS.Clone()
		transport.ForceAttemptHTTP2 = false // WebSocket is HTTP/1.1
	}
	g := &Gate{cfg: c}
	g.proxy = &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			out := to
			r.Out.URL, r.Out.Host = &out, to.Host
			r.Out.Header = handshake(r.Out.Header)
		},
		ModifyResponse: g.guard,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				c.Logger.Debug("NATS server not reached", "err", err)
			}
			c.Failed(w)
		},
	}
	return g, nil
}

// handshake are those of a client's headers that the NATS server needs, and no others: not the login's cookie, nor what
// the server heeds besides. Without masks, which a header can ask for, it would read frames otherwise than the gate.
func handshake(from http.Header) http.Header {
	to := http.Header{"User-Agent": {"natster"}} // for a browser's, the server cuts messages into 4 KiB
	for _, k := range []string{"Connection", "Upgrade", "Sec-Websocket-Key", "Sec-Websocket-Version"} {
		if v := from.Get(k); v != "" {
			to.Set(k, v)
		}
	}
	return to
}

// Serve forwards the WebSocket that r asks for, until one side or r's context ends it. Only a user whose JWT admit
// allows can connect by it. Who may ask at all is for the caller to say: Serve looks neither at the origin nor at
// cookies.
func (g *Gate) Serve(w http.ResponseWriter, r *http.Request, admit Admit) {
	g.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), admitKey{}, admit)))
}

// guard puts a conn between the client and a server that has agreed to speak WebSocket.
func (g *Gate) guard(r *http.Response) error {
	if r.StatusCode != http.StatusSwitchingProtocols {
		return nil
	}
	server, ok := r.Body.(io.ReadWriteCloser)
	admit, known := r.Request.Context().Value(admitKey{}).(Admit)
	if !ok || !known {
		return errors.New("gate: the answer is no connection")
	}
	r.Body = newConn(server, g.cfg.Sign, admit, func(err error) {
		if !errors.Is(err, io.ErrClosedPipe) {
			g.cfg.Logger.Debug("a WebSocket was ended", "err", err)
		}
	})
	return nil
}

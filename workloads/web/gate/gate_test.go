package gate

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"natster/internal/test/wait"
)

// between starts a gate to a server that takes every upgrade and hands its connection to serve, and returns the gate's
// address and what says that the gate is done with a WebSocket.
func between(t *testing.T, serve func(*http.Request, net.Conn)) (at string, done <-chan struct{}) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nc, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = nc.Close() }() // the other side may have been first
		const agreed = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
		if _, err := io.WriteString(nc, agreed); err != nil {
			t.Error(err)
		}
		serve(r, nc)
	}))
	t.Cleanup(server.Close)
	g, err := New(Config{
		NATS: "ws" + strings.TrimPrefix(server.URL, "http"),
		Sign: func([]byte) ([]byte, error) { return nil, errors.New("nobody connects here") },
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{}, 1)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.Serve(w, r, func(string) (string, bool) { return "", false })
		ended <- struct{}{}
	}))
	t.Cleanup(front.Close)
	return front.Listener.Addr().String(), ended
}

// upgrade opens a WebSocket, with more headers than it needs.
func upgrade(t *testing.T, at, more string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() }) // the gate may have been first
	_, err = io.WriteString(nc, "GET /nats HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDAwMDAwMDAwMDAwMDAwMA==\r\n"+more+"\r\n")
	if err := errors.Join(err, nc.SetDeadline(time.Now().Add(wait.Patience))); err != nil {
		t.Fatal(err)
	}
	return nc
}

// What the server is told beside a handshake it might heed: that frames have no masks, for one, which it would read
// otherwise than the gate.
func TestTheServerHearsNoHeaderThatAHandshakeDoesNotNeed(t *testing.T) {
	heard := make(chan http.Header, 1)
	at, _ := between(t, func(r *http.Request, _ net.Conn) { heard <- r.Header })
	upgrade(t, at, "Nats-No-Masking: true\r\nCookie: natster=secret\r\nOrigin: http://here\r\n"+
		"Authorization: Basic x\r\nX-Forwarded-For: 192.0.2.1\r\n"+
		"Sec-WebSocket-Extensions: permessage-deflate\r\nUser-Agent: Mozilla/5.0\r\n"+
		"Sec-WebSocket-Protocol: mqtt\r\nX-Else: x\r\n")
	for k, v := range <-heard {
		switch k {
		case "Connection", "Upgrade", "Sec-Websocket-Key", "Sec-Websocket-Version":
		case "User-Agent":
			if v[0] != "natster" {
				t.Errorf("%s: %q", k, v)
			}
		default:
			t.Errorf("the server hears %s: %q", k, v)
		}
	}
}

// A client could keep what is left of a connection, and with it room in the site, for as long as its session lasts.
func TestAWebSocketEndsWithTheServersSideOfIt(t *testing.T) {
	at, done := between(t, func(_ *http.Request, nc net.Conn) {
		if _, err := io.WriteString(nc, "goodbye"); err != nil {
			t.Error(err)
		}
	})
	nc := upgrade(t, at, "")
	ctx, cancel := context.WithTimeout(t.Context(), wait.Patience)
	defer cancel()
	select {
	case <-done:
	case <-ctx.Done():
		t.Error("the gate waits for the client to end it, too")
	}
	if said, err := io.ReadAll(nc); err != nil || !strings.HasSuffix(string(said), "\r\n\r\ngoodbye") {
		t.Errorf("the client hears %q, %v", said, err)
	}
}

package web

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/internal/test/wait"
)

// Anybody who reaches the site can hold as many connections as it has descriptors, and in devrun the world's, too.
func TestWhoKeepsTheSiteWaitingIsCutAndAWebSocketIsNot(t *testing.T) {
	more := make(chan struct{})
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		nc, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = nc.Close() }() // the test is over
		const agreed = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
		_, _ = io.WriteString(nc, agreed+hello)
		<-more
		_, _ = io.WriteString(nc, hello) // the test reads it
	}))
	t.Cleanup(backend.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := "http://" + l.Addr().String()
	s, err := New(Config{URL: at, Functions: &nats.Conn{}, NATS: "ws" + strings.TrimPrefix(backend.URL, "http"),
		SignProxy: noSignature})
	if err != nil {
		t.Fatal(err)
	}
	s.waits = waits{time.Second, time.Second, time.Second, time.Second}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	session := sessionOf(t, s, signIn(t, s))
	ws := upgrade(t, at, session)
	hear := func() {
		t.Helper()
		if _, err := io.ReadFull(ws, make([]byte, len(hello))); err != nil {
			t.Errorf("the WebSocket: %v", err)
		}
	}
	hear()
	const begins = " HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 99\r\n"
	of := "Host: " + s.url.Host + "\r\nCookie: " + session.Name + "=" + session.Value + "\r\n\r\n"
	waiting := make(map[string]net.Conn)
	for name, says := range map[string]string{
		"who says nothing":         "",
		"a header without end":     "GET / HTTP/1.1\r\n",
		"who says nothing more":    "GET /api/none HTTP/1.1\r\n" + of,
		"a question without end":   "POST /api/claim" + begins + of,
		"a body that nobody reads": "POST /api/none" + begins + of,
		"a body for the issuer":    "POST /dev-issuer/token" + begins + of,
		"a body to a page":         "POST /page" + begins + of,
		"half a question":          "POST /api/mint" + begins + of + "{",
	} {
		nc, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = nc.Close() }) // the site was first
		_, err = io.WriteString(nc, says)
		if err := errors.Join(err, nc.SetDeadline(time.Now().Add(wait.Patience))); err != nil {
			t.Fatal(err)
		}
		waiting[name] = nc
	}
	for name, nc := range waiting {
		if _, err := io.ReadAll(nc); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the connection is kept", name)
		}
	}
	close(more)
	hear()
}

func TestALoginAsksOnlySoOftenAndTakesNothingFromOthers(t *testing.T) {
	now := time.Now()
	s, _ := listening(t, func(c *Config) { c.Now = func() time.Time { return now } })
	ask := func(login string) *http.Response {
		w := httptest.NewRecorder()
		s.sessions.start(w, login, login)
		r := httptest.NewRequest("POST", s.url.String()+"/api/mint", nil) // it cannot be read, and asks no function
		r.AddCookie(w.Result().Cookies()[0])
		w = httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		return w.Result()
	}
	for i := range questionsAtOnce {
		if r := ask("mallory"); r.StatusCode != http.StatusBadRequest {
			t.Fatalf("question %d: %s", i, r.Status)
		}
	}
	if r := ask("mallory"); r.StatusCode != http.StatusTooManyRequests || r.Header.Get("Retry-After") != "1" {
		t.Errorf("one too many, in a session of its own: %s, %v", r.Status, r.Header)
	}
	if r := ask("alice"); r.StatusCode != http.StatusBadRequest {
		t.Errorf("alice: %s", r.Status)
	}
	now = now.Add(time.Second)
	for range questionsPerSecond {
		if r := ask("mallory"); r.StatusCode != http.StatusBadRequest {
			t.Errorf("a second later: %s", r.Status)
		}
	}
	if r := ask("mallory"); r.StatusCode != http.StatusTooManyRequests {
		t.Errorf("and then: %s", r.Status)
	}
}

package web

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"natster/internal/test/wait"
)

// listening returns a site that listens on loopback, with its own issuer and without a world behind it, and the site's
// URL. Before each answer of the site another handler sets the cookie "theirs".
func listening(t *testing.T, change func(*Config)) (*Site, string) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	at := "http://" + server.Listener.Addr().String()
	c := Config{URL: at, Functions: &nats.Conn{}, NATS: "ws://127.0.0.1:1", SignProxy: noSignature}
	if change != nil {
		change(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "theirs", Value: "1"})
		s.handler.ServeHTTP(w, r)
	})
	server.Start()
	t.Cleanup(func() {
		s.sessions.endAll()
		server.Close()
	})
	return s, at
}

func noSignature([]byte) ([]byte, error) { return nil, nil }

// signIn signs Carol in, as a browser that has the cookies, and returns those that the last answer sets.
func signIn(t *testing.T, s *Site, has ...*http.Cookie) []*http.Cookie {
	t.Helper()
	browser := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	do := func(method, to string, form url.Values) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range has {
			r.AddCookie(c)
		}
		if form != nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		a, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = a.Body.Close()
		return a
	}
	at := s.url.String()
	has = append(has, do("GET", s.OpenURL(), nil).Cookies()...)
	asks := do("GET", at+"/login", nil)
	has = append(has, asks.Cookies()...)
	issuer, err := asks.Location()
	if err != nil {
		t.Fatal(asks.Status, err)
	}
	form := issuer.Query()
	form.Set("name", "Carol")
	back, err := do("POST", at+devPath+"/authorize", form).Location()
	if err != nil {
		t.Fatal(err)
	}
	in := do("GET", back.String(), nil)
	if in.StatusCode != http.StatusFound || in.Header.Get("Location") != "/" {
		t.Fatalf("signed in: %s to %q", in.Status, in.Header.Get("Location"))
	}
	return in.Cookies()
}

// sessionOf returns the session's cookie, of which there has to be one.
func sessionOf(t *testing.T, s *Site, cookies []*http.Cookie) *http.Cookie {
	t.Helper()
	var found []*http.Cookie
	for _, c := range cookies {
		if c.Name == s.sessions.cookie {
			found = append(found, c)
		}
	}
	if len(found) != 1 || found[0].MaxAge <= 0 {
		t.Fatalf("cookies of the session: %v", found)
	}
	return found[0]
}

func TestALoginEndsTheSessionBeforeAndKeepsEveryOtherCookie(t *testing.T) {
	s, _ := listening(t, nil)
	first := sessionOf(t, s, signIn(t, s))
	cookies := signIn(t, s, first)
	second := sessionOf(t, s, cookies)
	var theirs, flow bool
	for _, c := range cookies {
		theirs = theirs || c.Name == "theirs"
		flow = flow || strings.HasPrefix(c.Name, "natster-login-") && c.MaxAge < 0
	}
	if !theirs || !flow {
		t.Errorf("the answer sets %v", cookies)
	}
	alive := func(c *http.Cookie) bool {
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(c)
		return s.sessions.of(r) != nil
	}
	if alive(first) || !alive(second) {
		t.Errorf("sessions alive: the first %t, the second %t", alive(first), alive(second))
	}
}

func TestAWebSocketIsCutWhenItsSessionEnds(t *testing.T) {
	for name, row := range map[string]struct {
		lifetime time.Duration
		end      func(t *testing.T, s *Site, at string, session *http.Cookie)
	}{
		"logout": {time.Hour, func(t *testing.T, _ *Site, at string, session *http.Cookie) {
			r, err := http.NewRequestWithContext(t.Context(), "POST", at+"/api/logout", strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			r.AddCookie(session)
			a, err := http.DefaultClient.Do(r)
			if err != nil || a.StatusCode != http.StatusOK {
				t.Fatalf("%v, %v", a, err)
			}
			_ = a.Body.Close()
		}},
		"the end of the site": {time.Hour, func(_ *testing.T, s *Site, _ string, _ *http.Cookie) {
			s.sessions.endAll()
		}},
		"the end of its lifetime": {2 * time.Second, func(*testing.T, *Site, string, *http.Cookie) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, at := listening(t, func(c *Config) { c.NATS, c.Lifetime = talker(t), row.lifetime })
			session := sessionOf(t, s, signIn(t, s))
			ws := upgrade(t, at, session)
			if _, err := io.ReadFull(ws, make([]byte, len(hello))); err != nil {
				t.Fatalf("what the server says does not arrive: %v", err)
			}
			row.end(t, s, at, session)
			if n, err := ws.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) || n != 0 {
				t.Errorf("the WebSocket stays open after %s", name)
			}
		})
	}
}

const hello = "\x82\x04PING"

// talker is a server that takes any upgrade, says hello and then only listens. It stands for the world's NATS server.
func talker(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		nc, both, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = nc.Close() }() // the test is over
		_, _ = io.WriteString(
			nc,
			"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"+hello,
		)
		_, _ = io.Copy(io.Discard, both)
	}))
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

// A webSocket is a connection of a page through the site's proxy, after the upgrade.
type webSocket struct {
	net.Conn
	*bufio.Reader
}

func (s webSocket) Read(p []byte) (int, error) { return s.Reader.Read(p) }

// upgrade opens a WebSocket at the site, as a page of it that is signed in.
func upgrade(t *testing.T, at string, session *http.Cookie) webSocket {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), "GET", at+"/nats", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	r.Header.Set("Origin", at)
	r.AddCookie(session)
	nc, err := net.Dial("tcp", r.URL.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() }) // the site has closed it
	if err := errors.Join(nc.SetDeadline(time.Now().Add(wait.Patience)), r.Write(nc)); err != nil {
		t.Fatal(err)
	}
	ws := webSocket{nc, bufio.NewReader(nc)}
	a, err := http.ReadResponse(ws.Reader, r)
	if err != nil || a.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("upgrade: %v, %v", a, err)
	}
	return ws
}

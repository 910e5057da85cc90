package web

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

func TestALoginLeadsToAPageOfTheSite(t *testing.T) {
	long := "/c/" + strings.Repeat("x", maxTo)
	for to, want := range map[string]string{
		"/": "/", "": "/", "/c/films/50%25%20x?y=/z": "/c/films/50%25%20x?y=/z", "/@evil.example": "/@evil.example",
		"//evil.example": "/", "/\\evil.example": "/", "https://evil.example": "/", "javascript:x": "/", "x": "/",
		"/x\r\nSet-Cookie: x": "/", "/\t/evil.example": "/", "?x": "/", " /x": "/", "//me@evil.example": "/",
		"/login": "/", "/login?to=/x": "/", "/%6cogin": "/", "/a/../login": "/", "/.//login": "/",
		"/callback?state=x": "/", "/x/../callback": "/", long: "/", long[:maxTo]: long[:maxTo],
	} {
		if got := localPath(to); got != want {
			t.Errorf("%.40q leads to %.40q, want %.40q", to, got, want)
		}
	}
}

// A cookie whose name begins with __Host- is one of this host, however many others its domain has.
func TestCookiesAreOfThisHostAndForNoScript(t *testing.T) {
	for _, url := range []string{"https://natster.example", "http://127.0.0.1:7481"} {
		s, err := New(Config{URL: url, Functions: &nats.Conn{}, NATS: "ws://127.0.0.1:1", SignProxy: noSignature,
			Issuer: "https://id.example", Client: Client{ID: "natster"}})
		if err != nil {
			t.Fatal(err)
		}
		tls := strings.HasPrefix(url, "https")
		for _, c := range []*http.Cookie{s.sessions.newCookie("x", 1), s.flowCookie(rand.Text(), "x", 1)} {
			if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Domain != "" || c.Secure != tls ||
				tls != (strings.HasPrefix(c.Name, "__Host-") && c.Path == "/") {
				t.Errorf("%s: %s", url, c)
			}
		}
	}
}

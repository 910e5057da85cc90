package web_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"natster/workloads/web"
)

// Another user of the machine reaches the site's port as well as its owner does, and is nobody.
func TestAnotherUserOfTheMachineSignsInAsNobody(t *testing.T) {
	s, at, browser := served(t)
	secret := s.OpenURL()[strings.LastIndex(s.OpenURL(), "/")+1:]
	get := func(to string) (*http.Response, string) {
		t.Helper()
		r, err := browser.Get(to)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Body.Close() }()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r, string(body)
	}
	begins, _ := get(at + "/login")
	issuer, err := begins.Location()
	if err != nil {
		t.Fatal(err)
	}
	form := issuer.Query()
	form.Set("name", "Alice Liddell") // who has linked an account
	post, err := browser.PostForm(at+"/dev-issuer/authorize", form)
	if err != nil {
		t.Fatal(err)
	}
	_ = post.Body.Close()
	if post.StatusCode != http.StatusUnauthorized || post.Header.Get("Location") != "" {
		t.Errorf("signed in without the key: %s to %q", post.Status, post.Header.Get("Location"))
	}
	for _, to := range []string{issuer.String(),
		at + "/key/", at + "/key/x", at + "/key/x/claim", at + "/key/" + secret[1:]} {
		r, body := get(to)
		if len(r.Cookies()) > 0 || strings.Contains(body, `name="name"`) || strings.Contains(body, secret) {
			t.Errorf("%s: %s, %v, %q", to, r.Status, r.Cookies(), body)
		}
		if !strings.HasSuffix(to, "/key/") &&
			(r.StatusCode != http.StatusUnauthorized || !strings.Contains(body, "open that one")) {
			t.Errorf("%s: %s, %q", to, r.Status, body)
		}
	}
	for _, to := range []string{"/", "/api/session", "/login", "/dev-issuer/jwks",
		"/dev-issuer/.well-known/openid-configuration", "/claim?code=x"} {
		r, body := get(at + to)
		for k, v := range r.Header {
			if strings.Contains(strings.Join(v, " "), secret) {
				t.Errorf("%s tells the key in %s", to, k)
			}
		}
		if strings.Contains(body, secret) {
			t.Errorf("%s tells the key", to)
		}
	}
}

func TestTheKeyBecomesACookieAndLeavesTheAddress(t *testing.T) {
	s, at, browser := served(t)
	for to, want := range map[string]string{
		"":                             "/",
		"/":                            "/",
		"/claim?code=ABC":              "/claim?code=ABC",
		"/c/films/50%25%20%23%3F/x.y":  "/c/films/50%25%20%23%3F/x.y",
		"/%2Fevil.example/":            "/%2Fevil.example/",
		"/%5Cevil.example/":            "/%5Cevil.example/",
		"/https://evil.example/":       "/https:/evil.example/",
		"/login?to=https://evil.test/": "/login?to=https://evil.test/",
	} {
		r, err := browser.Get(s.OpenURL() + to)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.StatusCode == http.StatusTemporaryRedirect || r.StatusCode == http.StatusMovedPermanently {
			continue // the address is cleaned first
		}
		got := r.Header.Get("Location")
		u, err := url.Parse(got)
		if err != nil || u.Host != "" || strings.HasPrefix(got, "//") || got != want {
			t.Errorf("%q leads to %q (%s), want %q", to, got, r.Status, want)
		}
		if len(r.Cookies()) != 1 || r.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%q: %v", to, r.Header)
		}
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	person := &http.Client{Jar: jar, Transport: browser.Transport}
	for _, to := range []string{s.OpenURL() + "/claim", at + "/login"} {
		r, err := person.Get(to)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if to == at+"/login" && (r.StatusCode != http.StatusOK || !strings.Contains(string(body), `name="name"`)) {
			t.Errorf("the form: %s %q", r.Status, body)
		}
	}
}

func TestASiteWithAnotherIssuerHasNoKey(t *testing.T) {
	s, err := newSite(t, func(c *web.Config) { c.Issuer, c.Client.ID = "https://id.example", "natster" })
	if err != nil {
		t.Fatal(err)
	}
	if s.OpenURL() != siteURL {
		t.Error(s.OpenURL())
	}
	for _, path := range []string{"/key/x", "/dev-issuer/authorize"} {
		if r := do(s, request("GET", path)); len(r.Cookies()) > 0 {
			t.Errorf("%s: %v", path, r.Cookies())
		}
	}
}

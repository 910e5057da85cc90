package web_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"natster/deploy/world"
	"natster/internal/test/worldtest"
	"natster/workloads/web"
)

const siteURL = "http://127.0.0.1:7481"

// newSite is a site of a real world; c changes its Config.
func newSite(t *testing.T, c func(*web.Config)) (*web.Site, error) {
	t.Helper()
	return siteOf(t, worldtest.Start(t, func(c *worldtest.Config) { c.ClaimURL = siteURL + web.ClaimPath }), c)
}

func siteOf(t *testing.T, w *worldtest.World, c func(*web.Config)) (*web.Site, error) {
	t.Helper()
	nc, err := w.Website(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	proxy, err := world.ProxyKey(w.Config().Dir)
	if err != nil {
		t.Fatal(err)
	}
	config := web.Config{URL: siteURL, Functions: nc, NATS: w.WebSocketURL(), SignProxy: proxy.Sign}
	if c != nil {
		c(&config)
	}
	return web.New(config)
}

// a request to the site, as a browser on this machine sends it.
func request(method, path string, change ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(method, siteURL+path, strings.NewReader("{}"))
	r.RemoteAddr = "127.0.0.1:50000"
	for _, f := range change {
		f(r)
	}
	return r
}

func header(k, v string) func(*http.Request) { return func(r *http.Request) { r.Header.Set(k, v) } }

func do(s *web.Site, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Result()
}

func TestASiteBeyondThisMachineNeedsHTTPSAndAnIssuer(t *testing.T) {
	for name, row := range map[string]struct {
		c    web.Config
		want error
	}{
		"plain":           {web.Config{URL: "http://natster.example"}, web.ErrPlain},
		"no issuer":       {web.Config{URL: "https://natster.example"}, web.ErrNoIssuer},
		"no client":       {web.Config{URL: "https://natster.example", Issuer: "https://id.example"}, web.ErrClient},
		"a path":          {web.Config{URL: "https://natster.example/x"}, web.ErrURL},
		"a query":         {web.Config{URL: "https://natster.example?x"}, web.ErrURL},
		"a user":          {web.Config{URL: "https://me@natster.example"}, web.ErrURL},
		"no scheme":       {web.Config{URL: "natster.example"}, web.ErrURL},
		"like loopback":   {web.Config{URL: "http://127.0.0.1.example"}, web.ErrPlain},
		"any address":     {web.Config{URL: "http://0.0.0.0:1"}, web.ErrPlain},
		"another network": {web.Config{URL: "http://192.168.1.5"}, web.ErrPlain},
	} {
		if _, err := web.New(row.c); !errors.Is(err, row.want) {
			t.Errorf("%s: %v; want %v", name, err, row.want)
		}
	}
}

func TestTheDevelopmentIssuerStaysOnThisMachine(t *testing.T) {
	s, err := newSite(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Development() {
		t.Error("it does not say that it is for development")
	}
	const discovery = "/dev-issuer/.well-known/openid-configuration"
	if r := do(s, request("GET", discovery)); r.StatusCode != http.StatusOK {
		t.Errorf("discovery: %s", r.Status)
	}
	for name, change := range map[string]func(*http.Request){
		"from another machine": func(r *http.Request) { r.RemoteAddr = "192.0.2.1:1" },
		"through a proxy":      header("X-Forwarded-For", "192.0.2.1"),
		"through a good proxy": header("Forwarded", "for=192.0.2.1"),
	} {
		if r := do(s, request("GET", discovery, change)); r.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s", name, r.Status)
		}
	}
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(t.Context(), l); !errors.Is(err, web.ErrNoIssuer) {
		t.Errorf("served beyond loopback: %v", err)
	}
}

// served is a site that listens, as its own issuer needs it to, its URL, and a browser that follows nothing.
func served(t *testing.T) (*web.Site, string, *http.Client) {
	t.Helper()
	_, s, at := servedWorld(t, nil)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return s, at, &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// servedWorld is a world, a site of it that listens, and the site's URL; c changes the site's Config.
func servedWorld(t *testing.T, c func(*web.Config)) (*worldtest.World, *web.Site, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := "http://" + l.Addr().String()
	w := worldtest.Start(t, func(c *worldtest.Config) { c.ClaimURL = at + web.ClaimPath })
	s, err := siteOf(t, w, func(config *web.Config) {
		if config.URL = at; c != nil {
			c(config)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return w, s, at
}

func TestTheDevelopmentIssuerGivesNoCodeWithoutPKCEOrToOthers(t *testing.T) {
	s, at, browser := served(t)
	opened, err := browser.Get(s.OpenURL())
	if err != nil {
		t.Fatal(err)
	}
	_ = opened.Body.Close()
	r, err := browser.Get(at + "/login")
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	asked, err := r.Location()
	if err != nil {
		t.Fatalf("%s: %v", r.Status, err)
	}
	good := func() url.Values {
		q := asked.Query()
		q.Set("name", "Carol")
		return q
	}
	post := func(q url.Values) *http.Response {
		t.Helper()
		asks, err := http.NewRequestWithContext(t.Context(), "POST", at+"/dev-issuer/authorize",
			strings.NewReader(q.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		asks.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, c := range opened.Cookies() {
			asks.AddCookie(c)
		}
		r, err := browser.Do(asks)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		return r
	}
	for name, row := range map[string]struct {
		change func(url.Values)
		status int
	}{
		"another redirect": {
			func(q url.Values) { q.Set("redirect_uri", "https://evil.example/") }, http.StatusBadRequest,
		},
		"another client": {func(q url.Values) { q.Set("client_id", "x") }, http.StatusBadRequest},
		"no PKCE":        {func(q url.Values) { q.Del("code_challenge") }, http.StatusBadRequest},
		"plain PKCE":     {func(q url.Values) { q.Set("code_challenge_method", "plain") }, http.StatusBadRequest},
		"a token":        {func(q url.Values) { q.Set("response_type", "token") }, http.StatusBadRequest},
		"no name":        {func(q url.Values) { q.Set("name", " ") }, http.StatusOK}, // asks again
		"a control name": {func(q url.Values) { q.Set("name", "a\x00b") }, http.StatusOK},
		"a blank name":   {func(q url.Values) { q.Set("name", "\u3164") }, http.StatusOK},
		"a long name":    {func(q url.Values) { q.Set("name", strings.Repeat("x", 41)) }, http.StatusOK},
	} {
		q := good()
		row.change(q)
		if r := post(q); r.StatusCode != row.status || r.Header.Get("Location") != "" {
			t.Errorf("%s: %s, %q", name, r.Status, r.Header.Get("Location"))
		}
	}

	back, err := post(good()).Location()
	if err != nil {
		t.Fatal(err)
	}
	if r, err := browser.Get(back.String()); err != nil || r.Header.Get("Location") != "/?login=expired" {
		t.Errorf("a browser that did not begin the login: %v, %v", r, err)
	}
}

func TestRequestsOfOtherSitesAndUnderOtherNamesAreRefused(t *testing.T) {
	s, err := newSite(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		r    *http.Request
		want int
	}{
		"another host": {
			request("GET", "/", func(r *http.Request) { r.Host = "evil.example" }),
			http.StatusMisdirectedRequest,
		},
		"another port": {
			request("GET", "/api/session", func(r *http.Request) { r.Host = "127.0.0.1:1" }),
			http.StatusMisdirectedRequest,
		},
		"logout from elsewhere": {
			request("POST", "/api/logout", header("Sec-Fetch-Site", "cross-site")),
			http.StatusForbidden,
		},
		"claim from elsewhere": {
			request("POST", "/api/claim", header("Origin", "https://evil.example")),
			http.StatusForbidden,
		},
		"claim without a login": {request("POST", "/api/claim"), http.StatusUnauthorized},
		"mint without a login":  {request("POST", "/api/mint"), http.StatusUnauthorized},
		"a forged cookie": {
			request("POST", "/api/mint", header("Cookie", "natster="+strings.Repeat("A", 52))),
			http.StatusUnauthorized,
		},
		"NATS without an origin": {request("GET", "/nats", header("Upgrade", "websocket")), http.StatusForbidden},
		"NATS from elsewhere": {
			request("GET", "/nats", header("Origin", "https://evil.example")),
			http.StatusForbidden,
		},
		"NATS without a login":     {request("GET", "/nats", header("Origin", siteURL)), http.StatusUnauthorized},
		"a page that is written":   {request("PUT", "/index.html"), http.StatusMethodNotAllowed},
		"an unknown question":      {request("GET", "/api/users"), http.StatusNotFound},
		"media without the worker": {request("GET", "/media/films/x"), http.StatusServiceUnavailable},
		"an asset that is not":     {request("GET", "/assets/nothing.js"), http.StatusNotFound},
	} {
		if r := do(s, row.r); r.StatusCode != row.want {
			t.Errorf("%s: %s, want %d", name, r.Status, row.want)
		}
	}
}

func TestEveryAnswerTellsTheBrowserToBeCareful(t *testing.T) {
	s, err := newSite(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"/", "/c/films/", "/api/session", "/media/x", "/nats", "/dev-issuer/authorize", "/../../etc/passwd",
		"/.gitkeep",
	} {
		r := do(s, request("GET", path))
		h := r.Header
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" ||
			h.Get("Cross-Origin-Resource-Policy") != "same-origin" {
			t.Errorf("%s: %v", path, h)
		}
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") ||
			strings.Contains(csp, "unsafe-eval") {
			t.Errorf("%s: CSP %q", path, csp)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || strings.Contains(string(body), "root:") {
			t.Errorf("%s: %v, %.80q", path, err, body)
		}
	}
}

func TestALoginEndsWhereTheSiteSaysAndNowhereElse(t *testing.T) {
	s, err := newSite(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		"", "?state=" + strings.Repeat("A", 26), "?state=x&code=y", "?error=access_denied",
		"?state=" + strings.Repeat("a", 26),
	} {
		r := do(s, request("GET", web.CallbackPath+q))
		if at := r.Header.Get("Location"); r.StatusCode != http.StatusFound || at != "/?login=expired" {
			t.Errorf("callback%s: %s to %q", q, r.Status, at)
		}
		for _, c := range r.Cookies() {
			if c.Name == "natster" && c.MaxAge >= 0 {
				t.Errorf("callback%s gives a session", q)
			}
		}
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	s, err := newSite(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

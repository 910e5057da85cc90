package devissuer_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"natster/workloads/web/devissuer"
)

const (
	at       = "http://127.0.0.1:7481/dev-issuer"
	back     = "http://127.0.0.1:7481/callback"
	verifier = "a-verifier-that-is-long-enough-to-be-one-0123456789"
)

// An issuer under test, and its clock.
type issuer struct {
	*devissuer.Issuer
	t   *testing.T
	now time.Time
}

func start(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{t: t, now: time.Now()}
	var err error
	i.Issuer, err = devissuer.New(
		devissuer.Config{
			URL:          at,
			ClientID:     "site",
			ClientSecret: "s3cret",
			Redirect:     back,
			Hint:         "open the address that was printed",
			Now:          func() time.Time { return i.now },
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func (i *issuer) post(path string, form url.Values) *http.Response {
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.RemoteAddr = "127.0.0.1:50000"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	if !i.Admit(w, i.Secret()) {
		i.t.Fatal("its own secret is refused")
	}
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	w = httptest.NewRecorder()
	i.ServeHTTP(w, r)
	return w.Result()
}

// code signs Carol in.
func (i *issuer) code() string {
	i.t.Helper()
	sum := sha256.Sum256([]byte(verifier))
	r := i.post("/authorize", url.Values{
		"name": {
			"Carol",
		}, "client_id": {"site"}, "redirect_uri": {back}, "response_type": {"code"}, "state": {"st"}, "nonce": {"no"},
		"code_challenge_method": {"S256"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])},
	})
	to, err := r.Location()
	if err != nil || !strings.HasPrefix(to.String(), back+"?") || to.Query().Get("state") != "st" {
		i.t.Fatalf("%s: %v, %v", r.Status, to, err)
	}
	return to.Query().Get("code")
}

func (i *issuer) trade(code string, change func(url.Values)) (int, map[string]any) {
	i.t.Helper()
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {back}, "code_verifier": {verifier},
		"client_id": {"site"}, "client_secret": {"s3cret"},
	}
	if change != nil {
		change(form)
	}
	r := i.post("/token", form)
	var a map[string]any
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		i.t.Fatal(err)
	}
	return r.StatusCode, a
}

func TestACodeIsTradedOnceForWhoSignedIn(t *testing.T) {
	i := start(t)
	code := i.code()
	status, a := i.trade(code, nil)
	if status != http.StatusOK {
		t.Fatalf("%d %v", status, a)
	}
	part := strings.Split(a["id_token"].(string), ".")
	text, err := base64.RawURLEncoding.DecodeString(part[1])
	if err != nil || len(part) != 3 {
		t.Fatal(part, err)
	}
	var c map[string]any
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	if c["iss"] != at || c["aud"] != "site" || c["sub"] != "carol" || c["name"] != "Carol" || c["nonce"] != "no" {
		t.Errorf("the token says %v", c)
	}
	if status, a := i.trade(code, nil); status != http.StatusBadRequest || a["error"] != "invalid_grant" {
		t.Errorf("again: %d %v", status, a)
	}
}

func TestWhoCannotProveThatItIsTheSameGetsNothing(t *testing.T) {
	for name, row := range map[string]struct {
		change func(url.Values)
		status int
	}{
		"another verifier": {func(f url.Values) { f.Set("code_verifier", verifier+"x") }, http.StatusBadRequest},
		"no verifier":      {func(f url.Values) { f.Del("code_verifier") }, http.StatusBadRequest},
		"another code":     {func(f url.Values) { f.Set("code", "x") }, http.StatusBadRequest},
		"another secret":   {func(f url.Values) { f.Set("client_secret", "x") }, http.StatusUnauthorized},
		"no secret":        {func(f url.Values) { f.Del("client_secret") }, http.StatusUnauthorized},
		"another redirect": {
			func(f url.Values) { f.Set("redirect_uri", "https://evil.example") }, http.StatusBadRequest,
		},
		"another grant": {func(f url.Values) { f.Set("grant_type", "password") }, http.StatusBadRequest},
	} {
		i := start(t)
		if status, a := i.trade(i.code(), row.change); status != row.status || a["id_token"] != nil {
			t.Errorf("%s: %d %v", name, status, a)
		}
	}
	i := start(t)
	code := i.code()
	if status, _ := i.trade(code, func(f url.Values) { f.Set("code_verifier", "x") }); status != http.StatusBadRequest {
		t.Error(status)
	}
	if status, _ := i.trade(code, nil); status != http.StatusBadRequest {
		t.Error("a code survives a wrong verifier")
	}
	i = start(t)
	code = i.code()
	i.now = i.now.Add(2 * time.Minute)
	if status, _ := i.trade(code, nil); status != http.StatusBadRequest {
		t.Error("a code is good for two minutes")
	}
}

func TestItIsForThisMachineOnly(t *testing.T) {
	for _, url := range []string{
		"http://natster.example/dev", "http://0.0.0.0/dev", "http://192.168.0.1/dev", "http://127.0.0.1.example/",
	} {
		if _, err := devissuer.New(devissuer.Config{URL: url}); !errors.Is(err, devissuer.ErrLoopback) {
			t.Errorf("%s: %v", url, err)
		}
	}
	r := httptest.NewRequest("GET", "/jwks", nil)
	r.RemoteAddr = "203.0.113.7:1"
	w := httptest.NewRecorder()
	start(t).ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("keys for another machine: %d", w.Code)
	}
}

func TestABrowserWithoutTheSecretGetsNoCode(t *testing.T) {
	i := start(t)
	admitted := httptest.NewRecorder()
	if !i.Admit(admitted, i.Secret()) {
		t.Fatal("its own secret is refused")
	}
	cookies := admitted.Result().Cookies()
	if len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode ||
		cookies[0].Path != "/dev-issuer" || strings.Contains(cookies[0].Value, i.Secret()) {
		t.Errorf("cookies: %v", cookies)
	}
	other := start(t)
	theirs := httptest.NewRecorder()
	other.Admit(theirs, other.Secret())
	for _, secret := range []string{
		"", "x", i.Secret()[1:], i.Secret() + "A", strings.ToLower(i.Secret()), other.Secret(), cookies[0].Value,
	} {
		w := httptest.NewRecorder()
		if i.Admit(w, secret) || len(w.Result().Cookies()) > 0 {
			t.Errorf("admitted with %q", secret)
		}
	}
	for name, c := range map[string]*http.Cookie{
		"no cookie":         {Name: "else", Value: cookies[0].Value},
		"an empty cookie":   {Name: cookies[0].Name},
		"the secret itself": {Name: cookies[0].Name, Value: i.Secret()},
		"another start's":   theirs.Result().Cookies()[0],
	} {
		for _, method := range []string{"GET", "POST"} {
			form := "name=Carol&client_id=site&redirect_uri=" + url.QueryEscape(back) +
				"&response_type=code&code_challenge=x&code_challenge_method=S256"
			r := httptest.NewRequest(method, "/authorize?"+form, strings.NewReader(form))
			r.RemoteAddr = "127.0.0.1:50000"
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.AddCookie(c)
			w := httptest.NewRecorder()
			i.ServeHTTP(w, r)
			if w.Code != http.StatusUnauthorized || w.Header().Get("Location") != "" ||
				!strings.Contains(w.Body.String(), "open the address") {
				t.Errorf("%s, %s: %d %q", name, method, w.Code, w.Body)
			}
		}
	}
}

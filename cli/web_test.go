package cli_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"natster/internal/test/wait"
)

// A visitor is somebody at a browser, as far as the site's server can tell.
type visitor struct {
	t    *testing.T
	site string
	http *http.Client
}

func visit(t *testing.T, site string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, site, &http.Client{Jar: jar}}
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// signIn goes through the development issuer, with the address that natster printed.
func (v *visitor) signIn(open, name string) {
	v.t.Helper()
	r, err := v.http.Get(open + "/login")
	if err != nil {
		v.t.Fatal(err)
	}
	page, err := io.ReadAll(r.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	form := url.Values{"name": {name}}
	for _, f := range hidden.FindAllStringSubmatch(string(page), -1) {
		form.Set(f[1], strings.ReplaceAll(f[2], "&#43;", "+"))
	}
	r, err = v.http.PostForm(v.site+"/dev-issuer/authorize", form)
	if err != nil {
		v.t.Fatal(err)
	}
	_ = r.Body.Close()
}

// ask sends a question to the site and returns status and answer.
func (v *visitor) ask(path string, body any) (int, map[string]any) {
	v.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		v.t.Fatal(err)
	}
	r, err := v.http.Post(v.site+path, "application/json", strings.NewReader(string(text)))
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	var a map[string]any
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		v.t.Fatal(err)
	}
	return r.StatusCode, a
}

// connect has a user minted for a fresh key and connects with it, at the site or at another address.
func (v *visitor) connect(at string) (*nats.Conn, error) {
	v.t.Helper()
	key, err := nkeys.CreateUser()
	if err != nil {
		v.t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		v.t.Fatal(err)
	}
	status, minted := v.ask("/api/mint", map[string]string{"user_key": public})
	if status != http.StatusOK {
		v.t.Fatalf("mint: %d %v", status, minted)
	}
	seed, err := key.Seed()
	if err != nil {
		v.t.Fatal(err)
	}
	creds, err := jwt.FormatUserConfig(minted["jwt"].(string), seed)
	if err != nil {
		v.t.Fatal(err)
	}
	return nats.Connect(at, nats.UserCredentialBytes(creds), nats.CustomInboxPrefix("_INBOX."+public),
		nats.NoReconnect(), nats.ProxyPath("/nats"), nats.WebSocketConnectionHeaders(v.headers()))
}

// headers are those by which the site knows the visitor's page.
func (v *visitor) headers() http.Header {
	v.t.Helper()
	u, err := url.Parse(v.site)
	if err != nil {
		v.t.Fatal(err)
	}
	h := http.Header{"Origin": {v.site}}
	for _, c := range v.http.Jar.Cookies(u) {
		h.Add("Cookie", c.Name+"="+c.Value)
	}
	return h
}

func TestAWebsiteIsLinkedWithLoginAndCutOffWithLogout(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	site := m.start("--json web --listen 127.0.0.1:0", "claim_url")
	var at struct {
		URL  string `json:"url"`
		Open string `json:"open_url"`
	}
	if err := json.Unmarshal([]byte(site.out.String()), &at); err != nil {
		t.Fatal(err)
	}
	v := visit(t, at.URL)
	v.signIn(at.Open, "Alice Liddell")
	var otc struct {
		Code string `json:"code"`
	}
	if err := json.Unmarshal([]byte(m.natster("--json login").ok().out), &otc); err != nil {
		t.Fatal(err)
	}
	if status, a := v.ask("/api/claim",
		map[string]string{"code": otc.Code}); status != http.StatusOK || a["account_name"] != "alice" {
		t.Fatalf("claim: %d %v", status, a)
	}
	wait.Eventually(t, "the account knows of the login, which the site made", func() bool {
		return strings.Contains(m.natster("whoami").ok().out, "dev|alice liddell")
	})

	if nc, err := v.connect(m.WebSocketURL()); err == nil {
		nc.Close()
		t.Error("a minted user was let in without the website")
	}
	gate := "ws" + strings.TrimPrefix(at.URL, "http")
	nc, err := v.connect(gate)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if r, err := nc.Request("natster.global.whoami", nil,
		wait.Patience); err != nil || !strings.Contains(string(r.Data), `"account_name":"alice"`) {
		t.Errorf("whoami as the browser: %v, %v", r, err)
	}
	closed := nc.StatusChanged(nats.CLOSED)
	m.natster("init bob").ok()
	m.natster("--context alice catalog new films " + t.TempDir()).ok()
	m.natster("--context alice catalog share films bob").ok()
	m.natster("--context alice logout --web").ok().says("every web session of alice has ended",
		"shared by them: nothing", "films with bob")
	<-closed
	if nc, err := v.connect(gate); err == nil {
		nc.Close()
		t.Error("a user minted after the logout was let in")
	}
	m.natster("logout --web").ok().says("no login on the website is linked")
	m.natster("logout").exits(2).warns("--web is missing", "usage: natster logout")
	m.natster("whoami").ok() // the owner's own credentials are another thing
	if code := site.interrupt(); code != 130 {
		t.Errorf("web ended with %d", code)
	}
}

func TestWebBeyondThisMachineWantsAnIssuerAndHTTPS(t *testing.T) {
	m := newMachine(t)
	m.natster("web --listen 127.0.0.1:0 --url http://natster.example").exits(1).warns("https", "try: natster web")
	m.natster("web --listen 127.0.0.1:0 --url https://natster.example").exits(1).warns("issuer", "--issuer URL")
	m.natster("web --listen 127.0.0.1:0 --url https://natster.example --issuer https://id.example").exits(1).
		warns("client id")
	m.natster("web --listen 127.0.0.1:0 --url https://natster.example/path").exits(1).warns("nothing else")
	m.natster("web --listen 0.0.0.0:0 --url http://127.0.0.1:1").exits(1).warns("development", "--issuer URL")
}

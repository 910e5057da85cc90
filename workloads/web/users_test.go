package web_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"natster/functions/api"
	"natster/functions/websessions"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
	"natster/workloads/web"
)

// A browser is somebody who is signed in at a site.
type browser struct {
	t    *testing.T
	at   string
	http *http.Client
}

// signIn signs somebody in, in a new browser.
func signIn(t *testing.T, s *web.Site, at, name string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	b := &browser{t, at, &http.Client{Jar: jar, Transport: transport}}
	r, err := b.http.Get(s.OpenURL() + "/login") // to the issuer's form
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	form := r.Request.URL.Query()
	if len(form) == 0 { // the key is traded first
		if r, err = b.http.Get(at + "/login"); err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		form = r.Request.URL.Query()
	}
	form.Set("name", name)
	if r, err = b.http.PostForm(at+"/dev-issuer/authorize", form); err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	return b
}

func (b *browser) ask(path string, body, to any) {
	b.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := b.http.Post(b.at+path, "application/json", bytes.NewReader(text))
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	answer, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK || json.Unmarshal(answer, to) != nil {
		b.t.Fatalf("%s: %s %s, %v", path, r.Status, answer, err)
	}
}

// link binds account a to the login.
func (b *browser) link(w *worldtest.World, a *worldtest.Account) {
	b.t.Helper()
	client := api.NewClient(a.Conn(b.t))
	if err := client.Initialize(b.t.Context(), a.Key, a.Key.String(), a.Name); err != nil {
		b.t.Fatal(err)
	}
	x, err := api.Call(b.t.Context(), client, api.WebXKey, api.None{})
	if err != nil {
		b.t.Fatal(err)
	}
	seed, err := w.Keeper().AddWebKey(b.t.Context(), a.Key)
	if err != nil {
		b.t.Fatal(err)
	}
	sealed, err := websessions.SealKey(x.XKey, a.Key, seed)
	if err != nil {
		b.t.Fatal(err)
	}
	otc, err := client.GenerateCode(b.t.Context(),
		api.Context{AccountName: a.Name, AccountPublicKey: a.Key, WebKey: sealed})
	if err != nil {
		b.t.Fatal(err)
	}
	var linked struct {
		Linked bool `json:"linked"`
	}
	if b.ask("/api/claim", map[string]string{"code": otc.Code}, &linked); !linked.Linked {
		b.t.Fatal("not linked")
	}
}

// A user is one that was minted, with its key.
type user struct {
	key         nkeys.KeyPair
	public, jwt string
}

func (b *browser) mint() user {
	b.t.Helper()
	key, err := nkeys.CreateUser()
	if err != nil {
		b.t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		b.t.Fatal(err)
	}
	var minted api.Minted
	b.ask("/api/mint", map[string]string{"user_key": public}, &minted)
	return user{key, public, minted.JWT}
}

// headers are those that the browser sends with a WebSocket of the site's page.
func (b *browser) headers() http.Header {
	u, err := url.Parse(b.at)
	if err != nil {
		b.t.Fatal(err)
	}
	h := http.Header{"Origin": {b.at}}
	for _, c := range b.http.Jar.Cookies(u) {
		h.Add("Cookie", c.Name+"="+c.Value)
	}
	return h
}

// connect connects as u, by the site where the browser is.
func (b *browser) connect(u user, options ...nats.Option) (*nats.Conn, error) {
	return u.connect(b.t, "ws"+strings.TrimPrefix(b.at, "http"), append(options, nats.ProxyPath("/nats"),
		nats.WebSocketConnectionHeaders(b.headers()))...)
}

func (u user) connect(t *testing.T, at string, options ...nats.Option) (*nats.Conn, error) {
	t.Helper()
	seed, err := u.key.Seed()
	if err != nil {
		t.Fatal(err)
	}
	creds, err := jwt.FormatUserConfig(u.jwt, seed)
	if err != nil {
		t.Fatal(err)
	}
	return nats.Connect(at, append(options, nats.UserCredentialBytes(creds), nats.NoReconnect(),
		nats.CustomInboxPrefix("_INBOX."+u.public))...)
}

func TestAMintedUserEndsWithItsSession(t *testing.T) {
	w, s, at := servedWorld(t, nil)
	alice, mallory := signIn(t, s, at, "Alice"), signIn(t, s, at, "Mallory")
	alice.link(w, w.Account("alice"))
	u := alice.mint()
	refused := func(when string) {
		t.Helper()
		for where, connect := range map[string]func() (*nats.Conn, error){
			"at the server's own port": func() (*nats.Conn, error) { return u.connect(t, w.WebSocketURL()) },
			"without WebSocket":        func() (*nats.Conn, error) { return u.connect(t, w.URL()) },
			"by another's session":     func() (*nats.Conn, error) { return mallory.connect(u) },
		} {
			if nc, err := connect(); err == nil {
				nc.Close()
				t.Errorf("%s, the user is let in %s", when, where)
			}
		}
	}
	refused("while its session lasts")
	nc, err := alice.connect(u)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	closed := nc.StatusChanged(nats.CLOSED)
	before := time.Now()
	var none struct{}
	alice.ask("/api/logout", struct{}{}, &none)
	<-closed
	t.Logf("closed %v after the logout", time.Since(before).Round(time.Millisecond))
	refused("after the logout")
	if nc, err := alice.connect(u); err == nil {
		nc.Close()
		t.Error("the user is let in by a session that ended")
	}
	again := signIn(t, s, at, "Alice")
	if nc, err := again.connect(u); err == nil {
		nc.Close()
		t.Error("the user is let in by another session of the same login")
	}
	if nc, err = again.connect(again.mint()); err != nil {
		t.Fatalf("a new one: %v", err)
	}
	nc.Close()
}

func TestASessionThatExpiresEndsItsUsers(t *testing.T) {
	w, s, at := servedWorld(t, func(c *web.Config) { c.Lifetime = 3 * time.Second })
	alice := signIn(t, s, at, "Alice")
	alice.link(w, w.Account("alice"))
	nc, err := alice.connect(alice.mint())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	<-nc.StatusChanged(nats.CLOSED)
}

// On one connection a client may say CONNECT again, as another user, and the server would take it.
func TestAConnectionStaysTheUsersThatItBeganWith(t *testing.T) {
	w, s, at := servedWorld(t, nil)
	alice, mallory := signIn(t, s, at, "Alice"), signIn(t, s, at, "Mallory")
	alice.link(w, w.Account("alice"))
	mallory.link(w, w.Account("mallory"))
	theirs, own := alice.mint(), mallory.mint()
	nc, err := net.Dial("tcp", strings.TrimPrefix(at, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nc.Close() }()
	if err := nc.SetDeadline(time.Now().Add(wait.Patience)); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest("GET", at+"/nats", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = mallory.headers()
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	r.Header.Set("Sec-WebSocket-Version", "13")
	r.Header.Set("Sec-WebSocket-Key", base64.StdEncoding.EncodeToString(make([]byte, 16)))
	if err := r.Write(nc); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(nc)
	a, err := http.ReadResponse(in, r)
	if err != nil || a.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", a, err)
	}
	hear := func(end string) string { // frames are short here, and their headers no text
		t.Helper()
		var all []byte
		for !bytes.Contains(all, []byte(end)) {
			b, err := in.ReadByte()
			if err != nil {
				return string(all) + " and then " + err.Error()
			}
			all = append(all, b)
		}
		return string(all)
	}
	say := func(text string) {
		t.Helper()
		frame := []byte{0x82, 0x80 | 126, byte(len(text) >> 8), byte(len(text)), 0, 0, 0, 0}
		if _, err := nc.Write(append(frame, text...)); err != nil {
			t.Fatal(err)
		}
	}
	hello := hear("\r\n")
	var info struct {
		Nonce string `json:"nonce"`
	}
	_, text, _ := strings.Cut(hello, "INFO ")
	if err := json.Unmarshal([]byte(text), &info); err != nil {
		t.Fatal(hello, err)
	}
	connect := func(u user) string {
		sig, err := u.key.Sign([]byte(info.Nonce))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("CONNECT {\"jwt\":%q,\"nkey\":%q,\"sig\":%q,\"protocol\":1,\"verbose\":true}\r\n",
			u.jwt, u.public, base64.RawURLEncoding.EncodeToString(sig))
	}
	say(connect(own) + "PING\r\n")
	if heard := hear("PONG"); !strings.Contains(heard, "+OK") {
		t.Fatalf("connecting: %q", heard)
	}
	say(connect(theirs) + "PING\r\n")
	if heard := hear("+OK"); strings.HasSuffix(heard, "+OK") {
		t.Errorf("the connection became another user's: %q", heard)
	}
}

func TestTheWebSocketPortIsForNoOtherSitesPages(t *testing.T) {
	w, _, at := servedWorld(t, nil)
	for origin, want := range map[string]int{
		"":                        http.StatusSwitchingProtocols, // no browser
		at:                        http.StatusSwitchingProtocols, // where codes are claimed
		"https://evil.example":    http.StatusForbidden,
		"null":                    http.StatusForbidden,
		"http://127.0.0.1:1":      http.StatusForbidden,
		strings.ToUpper(at) + "0": http.StatusForbidden,
	} {
		r, err := http.NewRequest("GET", "http"+strings.TrimPrefix(w.WebSocketURL(), "ws"), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
		r.Header.Set("Sec-WebSocket-Version", "13")
		r.Header.Set("Sec-WebSocket-Key", base64.StdEncoding.EncodeToString(make([]byte, 16)))
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		a, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = a.Body.Close()
		if a.StatusCode != want {
			t.Errorf("from a page of %q: %s, want %d", origin, a.Status, want)
		}
	}
}

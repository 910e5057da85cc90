package websessions_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"natster/events"
	"natster/functions/api"
	"natster/functions/view"
	"natster/functions/websessions"
	"natster/internal/test/functionstest"
)

const login = "idp.example|carol"

// A bench is the function in a world in which login is bound to alice.
type bench struct {
	*functionstest.Bench
	alice events.Account
	xkey  string
}

func start(t *testing.T) bench {
	t.Helper()
	key, err := nkeys.CreateCurveKeys()
	if err != nil {
		t.Fatal(err)
	}
	b := functionstest.Bare(t)
	b.Run(websessions.New(websessions.Config{Site: b.Accounts().Site,
		Key: func() (nkeys.KeyPair, error) { return key, nil }}))
	alice := b.Key("alice")
	b.Project(view.Logins, 1, 1, map[string]any{
		view.LoginKey(login): view.Login{OAuthID: login, Account: alice, ContextRef: "ref"},
	})
	x, err := api.Call(t.Context(), b.Client("alice"), api.WebXKey, api.None{})
	if err != nil {
		t.Fatal(err)
	}
	return bench{b, alice, x.XKey}
}

func newSeed(t *testing.T, create func() (nkeys.KeyPair, error)) (seed []byte, public string) {
	t.Helper()
	pair, err := create()
	if err != nil {
		t.Fatal(err)
	}
	if seed, err = pair.Seed(); err != nil {
		t.Fatal(err)
	}
	if public, err = pair.PublicKey(); err != nil {
		t.Fatal(err)
	}
	return seed, public
}

func (b bench) sealed(t *testing.T, a events.Account, seed []byte) string {
	t.Helper()
	s, err := websessions.SealKey(b.xkey, a, seed)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAMintedUserIsShortLivedScopedAndTheBrowsers(t *testing.T) {
	b := start(t)
	seed, signer := newSeed(t, nkeys.CreateAccount)
	_, user := newSeed(t, nkeys.CreateUser)
	m, err := api.Call(t.Context(), b.SiteClient(), api.MintWeb,
		api.MintRequest{OAuthID: login, WebKey: b.sealed(t, b.alice, seed), UserKey: user})
	if err != nil {
		t.Fatal(err)
	}
	c, err := jwt.DecodeUserClaims(m.JWT)
	if err != nil {
		t.Fatal(err)
	}
	if c.Subject != user || c.Issuer != signer || c.IssuerAccount != b.alice.String() || m.Account != b.alice {
		t.Errorf("minted for %s, by %s, of %s", c.Subject, c.Issuer, c.IssuerAccount)
	}
	if !c.HasEmptyPermissions() {
		t.Errorf("it says what it may do itself: %+v", c.UserPermissionLimits)
	}
	if left := time.Until(time.Unix(c.Expires, 0)); c.Expires != m.Expires || left > websessions.Lifetime ||
		left < websessions.Lifetime-time.Minute {
		t.Errorf("it is good for %v", left)
	}
}

func TestNobodyElseGetsAUser(t *testing.T) {
	b := start(t)
	seed, _ := newSeed(t, nkeys.CreateAccount)
	userSeed, user := newSeed(t, nkeys.CreateUser)
	other, err := nkeys.CreateCurveKeys()
	if err != nil {
		t.Fatal(err)
	}
	otherKey, err := other.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := websessions.SealKey(otherKey, b.alice, seed)
	if err != nil {
		t.Fatal(err)
	}
	good := b.sealed(t, b.alice, seed)
	site := b.SiteClient()
	ask := func(oauthID, webKey, userKey string) api.MintRequest {
		return api.MintRequest{OAuthID: oauthID, WebKey: webKey, UserKey: userKey}
	}
	for name, row := range map[string]struct {
		client *api.Client
		q      api.MintRequest
		want   error
	}{
		"not the site":                {b.Client("alice"), ask(login, good, user), api.ErrForbidden},
		"another login":               {site, ask("idp.example|mallory", good, user), api.ErrNotFound},
		"another account's key":       {site, ask(login, b.sealed(t, b.Key("bob"), seed), user), api.ErrNotFound},
		"sealed to somebody else":     {site, ask(login, elsewhere, user), api.ErrGone},
		"a changed key":               {site, ask(login, good[:len(good)-4]+"AAAA", user), api.ErrGone},
		"no key":                      {site, ask(login, "", user), api.ErrGone},
		"a key that signs no users":   {site, ask(login, b.sealed(t, b.alice, userSeed), user), api.ErrGone},
		"a key without end":           {site, ask(login, "nwk1."+strings.Repeat("A", 9000), user), api.ErrGone},
		"for what is no user":         {site, ask(login, good, b.alice.String()), api.ErrBadRequest},
		"for a seed instead of a key": {site, ask(login, good, string(userSeed)), api.ErrBadRequest},
	} {
		_, err := api.Call(t.Context(), row.client, api.MintWeb, row.q)
		if !errors.Is(err, row.want) {
			t.Errorf("%s: %v; want %v", name, err, row.want)
		}
		for _, secret := range []string{string(seed), string(userSeed)} {
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error shows a seed", name)
			}
		}
	}
	for _, secret := range []string{string(seed), string(userSeed)} {
		if strings.Contains(b.World.Log(), secret) {
			t.Error("the log shows a seed")
		}
	}
}

func TestBadRequestsAreAnswered(t *testing.T) {
	b := start(t)
	nc, err := b.Site(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for name, body := range functionstest.BadBodies() {
		if e := b.Ask(nc, api.MintWeb.Subject(), body); e.Code == api.CodeOK || e.Code == api.CodeInternal {
			t.Errorf("%s: %d %s", name, e.Code, e.Error)
		}
	}
}

func TestASealedKeyIsNotReadable(t *testing.T) {
	b := start(t)
	seed, _ := newSeed(t, nkeys.CreateAccount)
	text, err := json.Marshal(api.Context{AccountPublicKey: b.alice, WebKey: b.sealed(t, b.alice, seed)})
	if err != nil || strings.Contains(string(text), string(seed)) {
		t.Errorf("%s, %v", text, err)
	}
	if _, err := websessions.SealKey("XNO", b.alice, seed); !errors.Is(err, websessions.ErrKey) ||
		strings.Contains(err.Error(), string(seed)) {
		t.Errorf("sealed to no key: %v", err)
	}
}

package otc

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"natster/events"
	"natster/functions/api"
	"natster/functions/view"
	"natster/internal/test/eventstest"
)

func TestACodeIsReadAsAPersonTypesIt(t *testing.T) {
	c := newCode()
	for _, s := range []string{c.text, strings.ToLower(c.text), " " + c.text + "\n"} {
		if got, ok := parseCode(s); !ok || got != c {
			t.Errorf("%q is not read", s)
		}
	}
	for _, s := range []string{"", "K5PQ", c.text + "A", c.text[:25] + "1", c.text[:25] + ".", c.text[:25] + "*",
		strings.Repeat("A", 1<<16), strings.Repeat(" ", 200) + c.text} {
		if _, ok := parseCode(s); ok {
			t.Errorf("%.40q passes for a code", s)
		}
	}
}

func TestACodeHidesItself(t *testing.T) {
	c := newCode()
	if s := fmt.Sprintf("%v %s %+v %#v %q", c, c, c, c, c); strings.Contains(s, c.text) {
		t.Error(s)
	}
}

func TestOnlyTheCodeOpensWhatItSealed(t *testing.T) {
	alice, bob := eventstest.Account(t), eventstest.Account(t)
	c, plain := newCode(), []byte("the context")
	sealed, err := c.seal(alice, plain)
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.seal(alice, plain)
	if err != nil || bytes.Equal(sealed, again) {
		t.Errorf("sealing twice gives the same bytes: %v", err)
	}
	if got, err := c.open(alice, sealed); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("opens as %q, %v", got, err)
	}
	cut := sealed[:len(sealed)-1]
	flipped := bytes.Clone(sealed)
	flipped[len(flipped)/2] ^= 1
	for name, try := range map[string]func() ([]byte, error){
		"another code":    func() ([]byte, error) { return newCode().open(alice, sealed) },
		"another account": func() ([]byte, error) { return c.open(bob, sealed) },
		"cut":             func() ([]byte, error) { return c.open(alice, cut) },
		"changed":         func() ([]byte, error) { return c.open(alice, flipped) },
		"empty":           func() ([]byte, error) { return c.open(alice, nil) },
	} {
		if got, err := try(); !errors.Is(err, errSealed) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestACodeIsGoodForFiveMinutes(t *testing.T) {
	made := time.Unix(1732082400, 0)
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{
		{0, true}, {time.Minute, true}, {5*time.Minute - 1, true}, {5 * time.Minute, false}, {time.Hour, false},
		{-time.Second, true}, // clocks of two machines differ a little
	} {
		if got := good(made, made.Add(c.after)); got != c.want {
			t.Errorf("after %v: %v", c.after, got)
		}
	}
}

func TestWhoMayMakeACode(t *testing.T) {
	alice, bob := eventstest.Account(t), eventstest.Account(t)
	for _, c := range []struct {
		name   string
		caller events.Account
		about  api.Context
		want   error
	}{
		{"the account itself", alice, api.Context{AccountPublicKey: alice}, nil},
		{"another", bob, api.Context{AccountPublicKey: alice}, api.ErrForbidden},
		{"a context of nobody", alice, api.Context{}, api.ErrForbidden},
		{"nobody for nobody", events.Account{}, api.Context{}, api.ErrForbidden},
		{"a large context", alice, api.Context{AccountPublicKey: alice, Creds: strings.Repeat("x", maxContext)},
			api.ErrBadRequest},
		{"one that is large as JSON", alice,
			api.Context{AccountPublicKey: alice, Creds: strings.Repeat("<", maxContext/5)}, api.ErrBadRequest},
	} {
		if _, err := admit(c.caller, c.about); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestWhoMayClaimACode(t *testing.T) {
	site, bob := eventstest.Account(t), eventstest.Account(t)
	c := newCode()
	for _, r := range []struct {
		name         string
		site, caller events.Account
		claim        api.Claim
		want         error
	}{
		{"the site", site, site, api.Claim{Code: c.text, OAuthID: "github|1"}, nil},
		{"another account", site, bob, api.Claim{Code: c.text, OAuthID: "github|1"}, api.ErrForbidden},
		{"anybody where there is no site", events.Account{}, events.Account{},
			api.Claim{Code: c.text, OAuthID: "github|1"}, api.ErrForbidden},
		{"no code", site, site, api.Claim{OAuthID: "github|1"}, api.ErrBadRequest},
		{"no login", site, site, api.Claim{Code: c.text}, api.ErrBadRequest},
		{"the longest login", site, site, api.Claim{Code: c.text, OAuthID: strings.Repeat("x", api.MaxLogin)}, nil},
		{"a login too long", site, site, api.Claim{Code: c.text, OAuthID: strings.Repeat("x", api.MaxLogin+1)},
			api.ErrBadRequest},
		{"what is no code", site, site, api.Claim{Code: "*", OAuthID: "github|1"}, api.ErrNotFound},
	} {
		if _, err := mayClaim(r.site, r.caller, r.claim); !errors.Is(err, r.want) {
			t.Errorf("%s: %v, want %v", r.name, err, r.want)
		}
	}
}

func TestAFailedClaimSaysWhatBecameOfTheCode(t *testing.T) {
	cause := errors.New("the disk is full")
	refusal, internal := api.Refusal(usedUp(cause))
	if !internal || !strings.Contains(refusal.Message, "used up") || strings.Contains(refusal.Message, "disk") {
		t.Errorf("%+v", refusal)
	}
	refusal, internal = api.Refusal(usedUp(api.Errorf(api.ErrBadRequest, "not initialized")))
	if internal || refusal.Code != api.CodeBadRequest || !strings.Contains(refusal.Message, "used up") ||
		!strings.Contains(refusal.Message, "not initialized") {
		t.Errorf("%+v", refusal)
	}
	if !errors.Is(usedUp(cause), cause) {
		t.Error("the operator is not told the cause")
	}
}

func TestTheClaimURLHoldsTheCode(t *testing.T) {
	c := code{"K5PQ"}
	for page, want := range map[string]string{
		"https://natster.io/claim":       "https://natster.io/claim?code=K5PQ",
		"https://natster.io/claim?lang=": "https://natster.io/claim?code=K5PQ&lang=",
	} {
		u, err := url.Parse(page)
		if err != nil {
			t.Fatal(err)
		}
		if got := claimURL(u, c); got != want {
			t.Errorf("%s gives %s", page, got)
		}
	}
	if got := claimURL(nil, c); got != "" {
		t.Errorf("no page gives %s", got)
	}
}

func TestTheKeyOfACodeNamesItsMaker(t *testing.T) {
	alice := eventstest.Account(t)
	if got, err := maker(view.CodeKey(alice, newCode().hash())); err != nil || got != alice {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := maker("nobody.abc"); !errors.Is(err, events.ErrAccount) {
		t.Error(err)
	}
}

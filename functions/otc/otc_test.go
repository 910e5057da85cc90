package otc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/otc"
	"natster/functions/view"
	"natster/internal/jet"
	"natster/internal/test/functionstest"
	"natster/internal/test/wait"
)

// A login is a bench with otc in it, and who takes part.
type login struct {
	*functionstest.Bench
	site  *api.Client
	vault nkeys.KeyPair

	mu    sync.Mutex
	bound []functionstest.Written
}

func start(t *testing.T, refuse func(functionstest.Written) error) *login {
	t.Helper()
	return startAt(t, refuse, nil)
}

// startAt is start with another clock, unless that is nil.
func startAt(t *testing.T, refuse func(functionstest.Written) error, now func() time.Time) *login {
	t.Helper()
	vault, err := nkeys.CreateCurveKeys()
	if err != nil {
		t.Fatal(err)
	}
	l := &login{Bench: functionstest.Bare(t), vault: vault}
	f := otc.New(otc.Config{
		Site: l.Accounts().Site, VaultKey: vault.PublicKey, ClaimURL: "https://natster.io/claim",
	})
	open := f.New
	f.New = func(ctx context.Context, h functions.Host) (functions.Instance, error) {
		if now != nil {
			h.Now = now
		}
		return open(ctx, h)
	}
	l.Run(f)
	l.site = l.SiteClient()
	l.Writer(func(w functionstest.Written) error {
		if refuse != nil {
			if err := refuse(w); err != nil {
				return err
			}
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.bound = append(l.bound, w)
		return nil
	})
	return l
}

func (l *login) bindings() []functionstest.Written {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bound
}

// context is one with a secret in every field that can hold one.
func (l *login) context(t *testing.T, name string) api.Context {
	t.Helper()
	return api.Context{
		AccountName:      name,
		AccountPublicKey: l.Key(name),
		AccessToken:      "uat_" + name + "_very_secret_access_token",
		Creds:            string(creds(t)),
	}
}

func creds(t *testing.T) []byte {
	t.Helper()
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	public, err := user.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := nkeys.CreateAccount()
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.NewUserClaims(public).Encode(issuer)
	if err != nil {
		t.Fatal(err)
	}
	c, err := jwt.FormatUserConfig(token, seed)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (l *login) code(t *testing.T, about api.Context, name string) string {
	t.Helper()
	got, err := l.Client(name).GenerateCode(t.Context(), about)
	if err != nil {
		t.Fatal(err)
	}
	return got.Code
}

func TestACodeCarriesAContextToTheSite(t *testing.T) {
	l := start(t, nil)
	about := l.context(t, "alice")
	got, err := l.Client("alice").GenerateCode(t.Context(), about)
	if err != nil {
		t.Fatal(err)
	}
	if got.ValidMinutes != 5 || got.ClaimURL != "https://natster.io/claim?code="+got.Code || len(got.Code) < 26 {
		t.Errorf("the code is %d characters for %d minutes at %s", len(got.Code), got.ValidMinutes, got.ClaimURL)
	}
	claimed, err := l.site.ClaimCode(t.Context(), got.Code, "github|123")
	if err != nil || claimed != about {
		t.Fatalf("the site is given another context, %v", err)
	}
	if l.site.Position() != 1 {
		t.Errorf("the site's next query need not reflect the binding: position %d", l.site.Position())
	}
	bound := l.bindings()
	if len(bound) != 1 || bound[0].Origin != l.Key("alice") || bound[0].Type != events.Bound ||
		bound[0].EventType != string(events.Bound) || bound[0].Catalog != events.None ||
		bound[0].Target != events.None {
		t.Fatalf("what is logged: %+v", bound)
	}
	var data events.BoundData
	if err := json.Unmarshal(bound[0].Data, &data); err != nil || data.OAuthID != "github|123" {
		t.Fatalf("%s: %v", bound[0].Data, err)
	}
	kept, err := l.Views.Entries(t.Context(), view.Contexts, data.ContextRef)
	if err != nil || len(kept) != 1 {
		t.Fatalf("the binding points at %d contexts, %v", len(kept), err)
	}
	plain, err := view.OpenContext(l.vault, data.ContextRef, kept[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	var opened api.Context
	if err := json.Unmarshal(plain, &opened); err != nil || opened != about {
		t.Errorf("the vault holds another context, %v", err)
	}
}

func TestACodeIsClaimedByOneOfAHundredRacers(t *testing.T) {
	l := start(t, nil)
	code := l.code(t, l.context(t, "alice"), "alice")
	var racers sync.WaitGroup
	outcome := make(chan error, 100)
	for range cap(outcome) {
		racers.Go(func() {
			_, err := l.site.ClaimCode(t.Context(), code, "github|123")
			outcome <- err
		})
	}
	racers.Wait()
	close(outcome)
	won := 0
	for err := range outcome {
		if err == nil {
			won++
		} else if !errors.Is(err, api.ErrNotFound) {
			t.Error(err)
		}
	}
	if won != 1 || len(l.bindings()) != 1 {
		t.Errorf("%d won, %d bindings are logged", won, len(l.bindings()))
	}
}

// Both have found the code before either uses it up: a claim looks at the clock in between.
func TestOfTwoWhoHaveFoundACodeOneClaimsIt(t *testing.T) {
	var looked atomic.Int32
	both := make(chan struct{})
	l := startAt(t, nil, func() time.Time {
		if looked.Add(1) == 2 {
			close(both)
		}
		select {
		case <-both:
		case <-t.Context().Done():
		}
		return time.Now()
	})
	code := l.code(t, l.context(t, "alice"), "alice")
	outcome := make(chan error, 2)
	for _, login := range []string{"github|1", "github|2"} {
		go func() {
			_, err := l.site.ClaimCode(t.Context(), code, login)
			outcome <- err
		}()
	}
	first, second := wait.Receive(t, "a claim", outcome), wait.Receive(t, "the other", outcome)
	if (first == nil) == (second == nil) || !errors.Is(errors.Join(first, second), api.ErrNotFound) {
		t.Errorf("the claims: %v, %v", first, second)
	}
	if n := len(l.bindings()); n != 1 {
		t.Errorf("%d bindings are logged", n)
	}
}

func TestACodeThatIsNoGood(t *testing.T) {
	l := start(t, nil)
	about := l.context(t, "alice")
	used := l.code(t, about, "alice")
	if _, err := l.site.ClaimCode(t.Context(), strings.ToLower(used), "github|1"); err != nil {
		t.Fatal(err)
	}
	expired := l.code(t, about, "alice")
	l.Advance(view.CodeTTL)
	for name, code := range map[string]string{
		"claimed twice": used,
		"expired":       expired,
		"unknown":       strings.Repeat("A", 26),
		"a wildcard":    "*",
		"everything":    ">",
		"very long":     strings.Repeat("A", 15<<10),
		"an account":    l.Key("alice").String(),
	} {
		_, err := l.site.ClaimCode(t.Context(), code, "github|1")
		if !errors.Is(err, api.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(l.bindings()); n != 1 {
		t.Errorf("%d bindings", n)
	}
}

func TestOnlyTheSiteClaims(t *testing.T) {
	l := start(t, nil)
	code := l.code(t, l.context(t, "alice"), "alice")
	for _, name := range []string{"alice", "bob"} {
		if _, err := l.Client(name).ClaimCode(t.Context(), code, "github|1"); !errors.Is(err, api.ErrForbidden) {
			t.Errorf("%s claims: %v", name, err)
		}
	}
	if _, err := l.site.ClaimCode(t.Context(), code, "github|1"); err != nil {
		t.Errorf("the code is spoilt by who may not claim it: %v", err)
	}
}

func TestNobodyMakesACodeForAnother(t *testing.T) {
	l := start(t, nil)
	if _, err := l.Client("bob").GenerateCode(t.Context(), l.context(t, "alice")); !errors.Is(err, api.ErrForbidden) {
		t.Error(err)
	}
	if n := len(l.Raw(view.Codes.Stream())); n != 0 {
		t.Errorf("%d codes are kept", n)
	}
}

func TestNothingSecretIsKeptInClear(t *testing.T) {
	l := start(t, nil)
	alice, bob := l.context(t, "alice"), l.context(t, "bob")
	waiting, claimed := l.code(t, alice, "alice"), l.code(t, bob, "bob")
	raw := l.Raw(view.Codes.Stream()) // while both wait
	if _, err := l.site.ClaimCode(t.Context(), claimed, "github|2"); err != nil {
		t.Fatal(err)
	}
	raw = append(raw, l.Raw(view.Codes.Stream())...)
	raw = append(raw, l.Raw(view.Contexts.Stream())...)
	if len(raw) < 5 {
		t.Fatalf("only %d messages to look at", len(raw))
	}
	secrets := map[string]string{
		"code": waiting, "claimed code": claimed,
		"access token": alice.AccessToken, "claimed access token": bob.AccessToken,
		"user token": tokenOf(t, alice.Creds), "seed": seedOf(t, alice.Creds), "claimed seed": seedOf(t, bob.Creds),
	}
	for name, secret := range secrets {
		for _, m := range raw {
			header, err := json.Marshal(m.Header)
			if err != nil {
				t.Fatal(err)
			}
			all := bytes.Join([][]byte{[]byte(m.Subject), header, m.Data}, nil)
			if bytes.Contains(all, []byte(secret)) {
				t.Errorf("the %s is in %s in clear", name, m.Subject)
			}
		}
		if strings.Contains(l.World.Log(), secret) {
			t.Errorf("the %s is in the log", name)
		}
		for _, b := range l.bindings() {
			if bytes.Contains(b.Data, []byte(secret)) {
				t.Errorf("the %s is in an event", name)
			}
		}
	}
}

func tokenOf(t *testing.T, creds string) string {
	t.Helper()
	token, err := jwt.ParseDecoratedJWT([]byte(creds))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func seedOf(t *testing.T, creds string) string {
	t.Helper()
	kp, err := jwt.ParseDecoratedUserNKey([]byte(creds))
	if err != nil {
		t.Fatal(err)
	}
	seed, err := kp.Seed()
	if err != nil {
		t.Fatal(err)
	}
	return string(seed)
}

func TestALoginThatIsBoundAgainLeavesNoOldContextBehind(t *testing.T) {
	l := start(t, nil)
	about := l.context(t, "alice")
	for range 3 {
		if _, err := l.site.ClaimCode(t.Context(), l.code(t, about, "alice"), "github|1"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.site.ClaimCode(t.Context(), l.code(t, about, "alice"), "google|1"); err != nil {
		t.Fatal(err)
	}
	if n := len(l.Raw(view.Contexts.Stream())); n != 2 {
		t.Errorf("two logins have %d contexts", n)
	}
}

func TestAClaimWhoseBindingFailsSaysSo(t *testing.T) {
	for _, c := range []struct {
		refusal error
		want    error
	}{
		{api.Errorf(api.ErrBadRequest, "this account is not initialized"), api.ErrBadRequest},
		{errors.New("the cause"), api.ErrInternal},
	} {
		l := start(t, func(functionstest.Written) error { return c.refusal })
		code := l.code(t, l.context(t, "alice"), "alice")
		_, err := l.site.ClaimCode(t.Context(), code, "github|1")
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), "used up") {
			t.Errorf("%v: %v", c.refusal, err)
		}
		if _, err := l.site.ClaimCode(t.Context(), code, "github|1"); !errors.Is(err, api.ErrNotFound) {
			t.Errorf("the code is not used up: %v", err)
		}
		if strings.Contains(l.World.Log(), code) {
			t.Error("the code is in the log")
		}
	}
}

func TestABindingOutlivesAShortAbsenceOfTheEventwriter(t *testing.T) {
	var once sync.Once
	l := start(t, func(functionstest.Written) error {
		err := error(nil)
		once.Do(func() { err = api.Errorf(api.ErrUnavailable, "not now") })
		return err
	})
	if _, err := l.site.ClaimCode(t.Context(), l.code(t, l.context(t, "alice"), "alice"), "github|1"); err != nil {
		t.Fatal(err)
	}
	if n := len(l.bindings()); n != 1 {
		t.Errorf("%d bindings", n)
	}
}

func TestTheOldestCodesOfAnAccountMakeRoom(t *testing.T) {
	l := start(t, nil)
	about := l.context(t, "alice")
	bobs := l.code(t, l.context(t, "bob"), "bob")
	most := int(functions.DefaultLimits().Codes)
	var codes []string
	for range most + 2 {
		codes = append(codes, l.code(t, about, "alice"))
	}
	for i, c := range codes {
		_, err := l.site.ClaimCode(t.Context(), c, "github|1")
		if i < 2 && !errors.Is(err, api.ErrNotFound) {
			t.Errorf("code %d of %d may still be claimed: %v", i+1, len(codes), err)
		}
		if i >= 2 && err != nil {
			t.Errorf("code %d of %d: %v", i+1, len(codes), err)
		}
	}
	for range most { // what was claimed takes no room
		codes = append(codes, l.code(t, about, "alice"))
	}
	if _, err := l.site.ClaimCode(t.Context(), codes[most+2], "github|1"); err != nil {
		t.Errorf("the first since all were claimed: %v", err)
	}
	if _, err := l.site.ClaimCode(t.Context(), bobs, "github|2"); err != nil {
		t.Errorf("the code of another account: %v", err)
	}
}

func TestAnAccountMakesNoMoreThanSoManyCodes(t *testing.T) {
	l := start(t, nil)
	about := l.context(t, "alice")
	for range 4 * functions.DefaultLimits().Codes {
		l.code(t, about, "alice")
	}
	_, err := l.Client("alice").GenerateCode(t.Context(), about)
	refusal, _ := errors.AsType[*api.Error](err)
	if !errors.Is(err, api.ErrTooMany) || refusal.RetryAfter < view.CodeTTL/2 || refusal.RetryAfter > view.CodeTTL {
		t.Errorf("%v; again in %v", err, refusal.RetryAfter)
	}
	l.code(t, l.context(t, "bob"), "bob")
}

func TestBadRequestsAreAnswered(t *testing.T) {
	l := start(t, nil)
	site, err := l.Site(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(site.Close)
	for endpoint, nc := range map[string]*nats.Conn{
		api.GenerateCode.Subject(): l.Account("alice").Conn(t),
		api.ClaimCode.Subject():    site,
	} {
		for name, body := range functionstest.BadBodies() {
			if e := l.Ask(nc, endpoint, body); e.Code != api.CodeBadRequest || e.Error == "" {
				t.Errorf("%s, %s: %d %s", endpoint, name, e.Code, e.Error)
			}
		}
	}
	for name, c := range map[string]struct {
		body string
		want api.Code
	}{
		"no login":         {`{"code":"AAAA"}`, 400},
		"no code":          {`{"oauth_id":"github|1"}`, 400},
		"login too long":   {`{"code":"AAAA","oauth_id":"` + strings.Repeat("x", 513) + `"}`, 400},
		"code is a number": {`{"code":4,"oauth_id":"github|1"}`, 400},
	} {
		if e := l.Ask(site, api.ClaimCode.Subject(), []byte(c.body)); e.Code != c.want {
			t.Errorf("%s: %d %s", name, e.Code, e.Error)
		}
	}
}

func TestOtcDoesNotStartWithoutAVault(t *testing.T) {
	b := functionstest.Bare(t)
	f := otc.New(otc.Config{Site: b.Accounts().Site})
	if err := functions.Provision(t.Context(), b.JS, 1, f); err != nil {
		t.Fatal(err)
	}
	r, err := functions.NewRunner(f, functions.Config{Conn: b.Admin, JetStream: jet.Own})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context()); !errors.Is(err, functions.ErrConfig) {
		t.Error(err)
	}
}

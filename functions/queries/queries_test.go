package queries_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"natster/deploy/accounts"
	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/queries"
	"natster/functions/view"
	"natster/internal/jet"
	"natster/internal/test/eventstest"
	"natster/internal/test/functionstest"
	"natster/internal/test/wait"
)

// A house is a bench with queries in it.
type house struct {
	*functionstest.Bench
	site  *api.Client
	vault string // public key
}

func start(t testing.TB) *house {
	t.Helper()
	vault, err := nkeys.CreateCurveKeys()
	if err != nil {
		t.Fatal(err)
	}
	public, err := vault.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	h := &house{Bench: functionstest.Bare(t), vault: public}
	h.Run(queries.New(queries.Config{Site: h.Accounts().Site,
		VaultKey: func() (nkeys.KeyPair, error) { return vault, nil },
		Reserved: events.Reservation{Catalog: eventstest.Catalog(t, "natsterhub"), For: h.Accounts().Hub}}))
	h.site = h.SiteClient()
	return h
}

func strangers(t testing.TB, n int) []events.Account {
	t.Helper()
	all := make([]events.Account, n)
	for i := range all {
		kp, err := nkeys.CreateAccount()
		if err != nil {
			t.Fatal(err)
		}
		key, err := kp.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		if all[i], err = events.ParseAccount(key); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func (h *house) serves(t testing.TB, owner events.Account, c events.Catalog, revision int64) {
	t.Helper()
	doc, err := json.Marshal(api.Heartbeat{Catalog: c, Account: owner, Revision: revision})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := view.Put(t.Context(), h.JS, view.Presence, view.PresenceKey(owner, c), doc); err != nil {
		t.Fatal(err)
	}
}

func TestWhoamiBeforeAndAfterInitialization(t *testing.T) {
	h := start(t)
	if _, err := h.Client("alice").Whoami(t.Context()); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("before: %v", err)
	}
	alice := h.Key("alice")
	h.Project(view.Accounts, 1, 7, map[string]any{
		view.AccountKey(alice): view.Account{Account: alice, Name: "alice", Initialized: 1732082400,
			OAuthID: "github|1"},
	})
	got, err := h.Client("alice").Whoami(t.Context())
	if err != nil || got != (api.Identity{Account: alice, OAuthID: "github|1", Initialized: 1732082400,
		Name: "alice"}) {
		t.Errorf("%+v, %v", got, err)
	}
	if p := h.Client("alice").Position(); p != 7 {
		t.Errorf("the answer reflects position %d", p)
	}
	if _, err := h.Client("bob").Whoami(t.Context()); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("bob: %v", err)
	}
}

func TestAQueryWaitsForTheCallersOwnWrite(t *testing.T) {
	h := start(t)
	alice := h.Key("alice")
	h.Project(view.Accounts, 1, 6, nil)
	h.Client("alice").Observe(7)
	answer := make(chan error, 1)
	go func() {
		_, err := h.Client("alice").Whoami(t.Context())
		answer <- err
	}()
	h.Project(view.Accounts, 1, 7, map[string]any{view.AccountKey(alice): view.Account{Account: alice}})
	if err := <-answer; err != nil {
		t.Error(err)
	}
}

func TestAPositionThatNeverComesIsRefusedAndHoldsUpNobody(t *testing.T) {
	h := start(t)
	alice, bob := h.Key("alice"), h.Key("bob")
	h.Project(view.Accounts, 1, 7, map[string]any{
		view.AccountKey(alice): view.Account{Account: alice}, view.AccountKey(bob): view.Account{Account: bob},
	})
	nc := h.Account("mallory").Conn(t)
	const most, mayWait = 400, 32
	answers := make(chan api.Envelope, most)
	for range most {
		go func() {
			answers <- h.Ask(nc, api.Whoami.Subject(), nil, api.HeaderMinPosition, fmt.Sprint(uint64(math.MaxUint64)))
		}()
	}
	count := make(map[api.Code]int)
	tally := func(n int) {
		for range n {
			e := <-answers
			count[e.Code]++
			if e.Code == api.CodeUnavailable && !strings.Contains(e.Error, "does not reflect position") {
				t.Error(e.Error)
			}
		}
	}
	tally(most - mayWait) // the rest may still wait
	if _, err := h.Client("bob").Whoami(t.Context()); err != nil {
		t.Errorf("bob, while mallory waits: %v", err)
	}
	tally(mayWait)
	if n := count[api.CodeUnavailable]; n == 0 || n+count[api.CodeTooMany] != most {
		t.Errorf("answers by code: %v", count)
	}
	for _, p := range []string{"-1", "soon", "1e3", "18446744073709551616"} {
		if e := h.Ask(nc, api.Whoami.Subject(), nil, api.HeaderMinPosition, p); e.Code != api.CodeBadRequest {
			t.Errorf("position %s: %d %s", p, e.Code, e.Error)
		}
	}
}

// many projects n shares of alice's catalogs, and m with alice, and returns all of them.
func TestNames(t *testing.T) {
	h := start(t)
	h.ProjectShares(1, 3, view.Share{From: h.Key("alice"), To: h.Key("carol"), Catalog: eventstest.Catalog(t, "films")})
	for _, c := range []struct {
		who, name string
		valid     bool
	}{
		{"alice", "films", false}, {"alice", "Films", true}, {"bob", "films", true}, {"carol", "films", true},
		{"bob", "music", true},
		{"bob", "natsterhub", false}, {"bob", "NatsterHub", false},
		{"bob", "", false}, {"bob", "none", false}, {"bob", "a.b", false}, {"bob", "a b", false}, {"bob", "*", false},
		{"bob", ">", false},
		{"bob", strings.Repeat("x", 64), true}, {"bob", strings.Repeat("x", 65), false}, {"bob", `"films"`, false},
		{"bob", "films\n", false},
	} {
		got, err := h.Client(c.who).ValidateName(t.Context(), c.name)
		if err != nil || got.Valid != c.valid || (got.Message == "") != c.valid {
			t.Errorf("%s asks for %q: %+v, %v", c.who, c.name, got, err)
		}
	}
}

// bind stores a context as otc does, and its login as the logins projector does.
func (h *house) bind(t testing.TB, login string, about api.Context, underRef string) {
	t.Helper()
	plain, err := json.Marshal(about)
	if err != nil {
		t.Fatal(err)
	}
	ref := view.ContextKey(about.AccountPublicKey, login)
	sealed, err := view.SealContext(h.vault, ref, plain)
	if err != nil {
		t.Fatal(err)
	}
	if underRef == "" {
		underRef = ref
	}
	if _, err := view.Put(t.Context(), h.JS, view.Contexts, underRef, sealed); err != nil {
		t.Fatal(err)
	}
	h.Project(view.Logins, 1, 5, map[string]any{
		view.LoginKey(login): view.Login{OAuthID: login, Account: about.AccountPublicKey, ContextRef: underRef},
	})
}

func TestTheSiteIsGivenTheContextOfALogin(t *testing.T) {
	h := start(t)
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, errS := user.Seed()
	public, errP := user.PublicKey()
	issuer, errI := nkeys.CreateAccount()
	if err := errors.Join(errS, errP, errI); err != nil {
		t.Fatal(err)
	}
	token, err := jwt.NewUserClaims(public).Encode(issuer)
	if err != nil {
		t.Fatal(err)
	}
	creds, err := jwt.FormatUserConfig(token, seed)
	if err != nil {
		t.Fatal(err)
	}
	about := api.Context{AccountName: "alice", AccountPublicKey: h.Key("alice"), AccessToken: "secret",
		Creds: string(creds)}
	h.bind(t, "github|1", about, "")
	got, err := h.site.GetContext(t.Context(), "github|1")
	if err != nil || got.Context != about || got.UserJWT != token || got.UserSeed != string(seed) {
		t.Errorf("the site is given another context, %v", err)
	}
	about.Creds = ""
	h.bind(t, "github|2", about, "")
	if got, err = h.site.GetContext(t.Context(), "github|2"); err != nil || got != (api.BoundContext{Context: about}) {
		t.Errorf("a context without credentials: %v", err)
	}
	if _, err := h.site.GetContext(t.Context(), "github|3"); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("a login that is not bound: %v", err)
	}
	for _, name := range []string{"alice", "bob"} {
		if _, err := h.Client(name).GetContext(t.Context(), "github|1"); !errors.Is(err, api.ErrForbidden) {
			t.Errorf("%s asks: %v", name, err)
		}
	}
	for _, login := range []string{"", strings.Repeat("x", api.MaxLogin+1)} {
		if _, err := h.site.GetContext(t.Context(), login); !errors.Is(err, api.ErrBadRequest) {
			t.Errorf("%.10q: %v", login, err)
		}
	}
}

func TestAContextThatWasMovedDoesNotOpen(t *testing.T) {
	h := start(t)
	h.bind(t, "github|1", api.Context{AccountPublicKey: h.Key("alice"), AccessToken: "secret"}, "elsewhere")
	if got, err := h.site.GetContext(t.Context(), "github|1"); !errors.Is(err, api.ErrInternal) ||
		got != (api.BoundContext{}) {
		t.Error(err)
	}
}

func TestBadRequestsAreAnswered(t *testing.T) {
	h := start(t)
	site, err := h.Site(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(site.Close)
	large := []byte(strings.Repeat("x", api.MaxRequest+1))
	for name, body := range functionstest.BadBodies() {
		if name == "empty" {
			continue // stands for everything
		}
		if e := h.Ask(site, api.MyShares.Subject(), body); e.Code != api.CodeBadRequest || e.Error == "" {
			t.Errorf("my.shares, %s: %d %s", name, e.Code, e.Error)
		}
	}
	for _, endpoint := range []string{api.ValidateName.Subject(), api.GetContext.Subject()} {
		for _, body := range [][]byte{large, {0xff, 0xfe}} {
			if e := h.Ask(site, endpoint, body); e.Code != api.CodeBadRequest || e.Error == "" {
				t.Errorf("%s, %.10q: %d %s", endpoint, body, e.Code, e.Error)
			}
		}
	}
	if e := h.Ask(site, api.Whoami.Subject(), large); e.Code != api.CodeBadRequest {
		t.Errorf("whoami: %d %s", e.Code, e.Error)
	}
}

func TestQueriesDoNotStartWithoutAVault(t *testing.T) {
	b := functionstest.Bare(t)
	r, err := functions.NewRunner(queries.New(queries.Config{}), functions.Config{Conn: b.Admin, JetStream: jet.Own})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context()); !errors.Is(err, functions.ErrConfig) {
		t.Error(err)
	}
}

// BenchmarkQueries compares what queries cost with a bare request across the same accounts, taken in turn.
func BenchmarkQueries(b *testing.B) {
	h := start(b)
	alice, films := h.Key("alice"), eventstest.Catalog(b, "films")
	h.Project(view.Accounts, 1, 1, map[string]any{view.AccountKey(alice): view.Account{Account: alice}})
	var shares []view.Share
	for _, a := range strangers(b, 10) {
		shares = append(shares, view.Share{From: alice, Catalog: films, To: a})
	}
	h.serves(b, alice, films, 1)
	h.ProjectShares(1, 1, shares...)
	creds, err := h.Keeper().User(b.Context(), h.Accounts().Global, "bare", accounts.Permissions{All: true})
	if err != nil {
		b.Fatal(err)
	}
	responder, err := h.Info().Connect(b.Context(), creds) // like the one who asks: over a socket
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(responder.Close)
	if _, err := responder.Subscribe(events.GlobalService("bare"),
		func(m *nats.Msg) { _ = m.Respond(nil) }); err != nil {
		b.Fatal(err)
	}
	if err := responder.Flush(); err != nil {
		b.Fatal(err)
	}
	nc := h.Account("alice").Conn(b)
	endpoints := []string{"bare", api.Whoami.Name, api.MyShares.Name}
	took := make([][]time.Duration, len(endpoints))
	for b.Loop() {
		for i, e := range endpoints {
			begin := time.Now()
			if _, err := nc.Request(events.GlobalSubject(e), nil, wait.Patience); err != nil {
				b.Fatal(err)
			}
			took[i] = append(took[i], time.Since(begin))
		}
	}
	median := func(i int) float64 {
		slices.Sort(took[i])
		return float64(took[i][len(took[i])/2])
	}
	b.ReportMetric(median(0)/1e3, "µs-bare")
	b.ReportMetric(median(1)/median(0), "whoami/bare")
	b.ReportMetric(median(2)/median(0), "my.shares/bare")
}

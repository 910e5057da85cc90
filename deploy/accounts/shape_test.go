package accounts

import (
	"context"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
)

// someWorld returns the operator of a new world without a server.
func someWorld(t *testing.T) *Operator {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	if err := Bootstrap(t.Context(), dir, functions.Limits{}); err != nil {
		t.Fatal(err)
	}
	o, err := Open(dir, functions.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// claimsOf returns what is kept of account a.
func claimsOf(t *testing.T, o *Operator, a events.Account) (record, *jwt.AccountClaims) {
	t.Helper()
	r, c, err := o.read(a)
	if err != nil {
		t.Fatal(err)
	}
	return r, c
}

// change edits account a as an older version, or another one, would have left it.
func change(t *testing.T, o *Operator, a events.Account, s shape) {
	t.Helper()
	if _, err := o.edit(t.Context(), nil, a, s); err != nil {
		t.Fatal(err)
	}
}

func TestNoAccountLetsInBearersOrLeafNodes(t *testing.T) {
	o := someWorld(t)
	if _, err := o.Enrol(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Functions(t.Context(), []functions.Function{hearing("one")}); err != nil {
		t.Fatal(err)
	}
	all, _, err := o.Accounts()
	if err != nil || len(all) < 8 {
		t.Fatalf("%d accounts, %v", len(all), err)
	}
	for _, a := range all {
		_, c := claimsOf(t, o, a.Account)
		if !c.Limits.DisallowBearer || c.Limits.LeafNodeConn != 0 {
			t.Errorf("%s: bearers are refused: %v; leaf nodes: %d", a.Name, c.Limits.DisallowBearer,
				c.Limits.LeafNodeConn)
		}
		if stores := c.Limits.JetStreamLimits != (jwt.JetStreamLimits{}); stores != (a.Account == o.known.Data) {
			t.Errorf("%s: it has JetStream: %v", a.Name, stores)
		}
	}
}

func TestAnAccountHasTheDefaultLimitsWhereNoneAreSet(t *testing.T) {
	o := someWorld(t)
	alice, err := o.Enrol(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	_, c := claimsOf(t, o, alice.Account)
	d := functions.DefaultLimits()
	got := []int64{c.Limits.Conn, c.Limits.Subs, c.Limits.Payload, c.Limits.Exports}
	if want := []int64{d.Connections, d.Subscriptions, d.Payload, maxExports}; !slices.Equal(got, want) {
		t.Errorf("connections, subscriptions, payload and exports are %d, not %d", got, want)
	}
}

// A version for which the account data was the account of all functions gives it that again when it opens this world.
func TestWhatAnOlderVersionGaveTheAccountThatStoresIsTakenFromIt(t *testing.T) {
	o := someWorld(t)
	if _, err := o.Admin(t.Context()); err != nil {
		t.Fatal(err)
	}
	now, nowClaims := claimsOf(t, o, o.known.Data)
	var old record
	change(t, o, o.known.Data, func(r *record, c *jwt.AccountClaims) error {
		r.Name = globalAccount
		setExport(c, service("natster_global", events.GlobalExport))
		setExport(c, stream("global_events", events.GlobalEventsExport))
		c.Limits.Streams = 1
		err := r.setUser(c, "eventwriter", Permissions{Publish: []string{"natster.events.>"}})
		old = *r
		old.Users = maps.Clone(r.Users)
		return err
	})
	if err := Bootstrap(t.Context(), o.keys.dir, functions.Limits{}); err != nil {
		t.Fatal(err)
	}
	r, c := claimsOf(t, o, o.known.Data)
	if r.Name != dataAccount || c.Name != dataAccount || !reflect.DeepEqual(r.Users, now.Users) ||
		len(c.Exports) > 0 || !reflect.DeepEqual(c.Limits, nowClaims.Limits) {
		t.Errorf("it is called %s and %s, has users %v, exports %v, limits %+v", r.Name, c.Name,
			slices.Sorted(maps.Keys(r.Users)), c.Exports, c.Limits)
	}
	gone, err := jwt.DecodeUserClaims(old.Users["eventwriter"].JWT)
	if err != nil {
		t.Fatal(err)
	}
	if !c.IsClaimRevoked(gone) {
		t.Error("a user of before can still connect")
	}
}

// Either fence alone keeps a minted user from the server's ports, so what both say is looked at here.
func TestAUserOfAWebSessionConnectsOverWebSocketAndThroughAProxyOnly(t *testing.T) {
	s := webScope("", time.Time{})
	types := jwt.StringList{jwt.ConnectionTypeWebsocket}
	if got := s.Template; !got.ProxyRequired || !slices.Equal(got.AllowedConnectionTypes, types) {
		t.Errorf("a proxy is required: %v; connections: %q", got.ProxyRequired, got.AllowedConnectionTypes)
	}
	if want := WebPermissions().claims(); !reflect.DeepEqual(s.Template.Permissions, want) || s.Template.BearerToken {
		t.Errorf("the template permits %+v, not %+v", s.Template.Permissions, want)
	}
}

// Keys that are not the website's are neither revoked with its keys nor changed with them.
func TestOnlyTheWebsitesKeysAreWebKeys(t *testing.T) {
	c := jwt.NewAccountClaims(someAccount(t).String())
	add := func(role string) string {
		s := jwt.NewUserScope()
		s.Key, s.Role = someAccount(t).String(), role
		c.SigningKeys.AddScopedSigner(s)
		return s.Key
	}
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	var want []string
	for n := range 20 {
		want = append(want, add(webRole+at.Add(time.Duration(n)*time.Millisecond).Format(webRoleTime)))
	}
	add("another")
	c.SigningKeys.Add(someAccount(t).String())
	if got := webKeys(c); !slices.Equal(got, want) {
		t.Errorf("web keys %q, want %q: the oldest first", got, want)
	}
}

func TestATokenIsKeptOnlyIfItActivatesTheImport(t *testing.T) {
	o := someWorld(t)
	importer, exporter, other := someAccount(t), o.known.Data, someAccount(t)
	by, err := o.signerOf(exporter)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := o.signerOf(o.known.Feed)
	if err != nil {
		t.Fatal(err)
	}
	i := &jwt.Import{Subject: "a.b", Account: exporter.String(), Type: jwt.Service}
	token := func(by signer, edit func(*jwt.ActivationClaims)) string {
		c := jwt.NewActivationClaims(importer.String())
		c.IssuerAccount, c.ImportSubject, c.ImportType = exporter.String(), i.Subject, i.Type
		edit(c)
		text, err := c.Encode(by.pair)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	good := func(*jwt.ActivationClaims) {}
	for name, test := range map[string]struct {
		token string
		want  bool
	}{
		"it does":              {token(by, good), true},
		"none":                 {"", false},
		"no token":             {"x.y.z", false},
		"of an older key":      {token(stranger, good), false},
		"for another importer": {token(by, func(c *jwt.ActivationClaims) { c.Subject = other.String() }), false},
		"of another exporter":  {token(by, func(c *jwt.ActivationClaims) { c.IssuerAccount = other.String() }), false},
		"of another subject":   {token(by, func(c *jwt.ActivationClaims) { c.ImportSubject = "a.c" }), false},
		"of a stream":          {token(by, func(c *jwt.ActivationClaims) { c.ImportType = jwt.Stream }), false},
		"that expires": {token(by, func(c *jwt.ActivationClaims) {
			c.Expires = time.Now().Add(time.Hour).Unix()
		}), false},
	} {
		if got := activates(test.token, by.public, importer, i); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// hearing is a function that hears of shares and answers nobody.
func hearing(name string) functions.Function {
	return functions.Function{
		Name: name, Doc: "hears of shares",
		Triggers: []functions.Trigger{functions.OnEvent(idle.event, events.Shared)},
		New:      func(context.Context, functions.Host) (functions.Instance, error) { return idle{}, nil },
	}
}

// answer answers a request.
func (idle) answer(context.Context, *functions.Call, api.None) (api.Totals, error) {
	return api.Totals{}, nil
}

// What a function does not declare any more it loses, in its own account, in data and in global.
func TestWhatAFunctionNoLongerDeclaresIsTakenFromIt(t *testing.T) {
	less := hearing("one")
	more := less
	more.Triggers = append(slices.Clone(less.Triggers), functions.Request(api.Stats, idle.answer))
	more.Access = functions.Access{ReadsLog: true, Writes: []view.Bucket{view.Stats}}
	o := someWorld(t)
	look := func(f functions.Function) map[string][]string {
		t.Helper()
		if _, err := o.Functions(t.Context(), []functions.Function{f}); err != nil {
			t.Fatal(err)
		}
		own, err := o.FunctionAccount("one")
		if err != nil {
			t.Fatal(err)
		}
		all := make(map[string][]string)
		for name, a := range map[string]events.Account{
			"own": own, "data": o.known.Data, "global": o.known.Global, "feed": o.known.Feed,
		} {
			r, c := claimsOf(t, o, a)
			for _, e := range c.Exports {
				all[name] = append(all[name], "exports "+string(e.Subject)+" "+e.ResponseThreshold.String()+" "+
					string(e.ResponseType))
				if own := name == "own" || name == "data"; own != e.TokenReq {
					t.Errorf("%s exports %s, with a token: %v", name, e.Subject, e.TokenReq)
				}
				if name == "own" || name == "data" {
					if e.ResponseThreshold <= 0 {
						t.Errorf("%s exports %s, and an answer may come at any time", name, e.Subject)
					}
				}
			}
			for _, i := range c.Imports {
				all[name] = append(all[name], "imports "+string(i.Subject))
			}
			all[name] = append(all[name], slices.Sorted(maps.Keys(r.Users))...)
		}
		return all
	}
	before := look(less)
	between := look(more)
	for _, name := range []string{"own", "data", "global"} {
		if len(between[name]) <= len(before[name]) {
			t.Fatalf("with more to declare %s has %q", name, between[name])
		}
	}
	if after := look(less); !reflect.DeepEqual(after, before) {
		t.Errorf("it has\n%q\nas if it were\n%q", after, before)
	}
}

// The account of the function feed has exports for everybody, which its declaration does not know of.
func TestTheFeedIsHeardWhateverTheFunctionDeclares(t *testing.T) {
	o := someWorld(t)
	_, before := claimsOf(t, o, o.known.Feed)
	for _, fns := range [][]functions.Function{{hearing(feedAccount)}, nil} {
		if _, err := o.Functions(t.Context(), fns); err != nil {
			t.Fatal(err)
		}
		_, c := claimsOf(t, o, o.known.Feed)
		public := slices.DeleteFunc(slices.Clone(c.Exports), func(e *jwt.Export) bool { return e.TokenReq })
		if len(public) != 2 || !reflect.DeepEqual(jwt.Exports(public), before.Exports) {
			t.Errorf("the feed exports %v", public)
		}
	}
}

// A user of a function's account does what the function declares and answers each request once.
func TestAFunctionsUserHasItsPermissionsAndAnswersOnce(t *testing.T) {
	o := someWorld(t)
	f := hearing("one")
	if _, err := o.Functions(t.Context(), []functions.Function{f}); err != nil {
		t.Fatal(err)
	}
	own, err := o.FunctionAccount("one")
	if err != nil {
		t.Fatal(err)
	}
	change(t, o, own, func(r *record, c *jwt.AccountClaims) error {
		return r.setUser(c, "another", Permissions{All: true})
	})
	if _, err := o.Functions(t.Context(), []functions.Function{f}); err != nil {
		t.Fatal(err)
	}
	r, _ := claimsOf(t, o, own)
	p := f.Permissions()
	want := map[string]Permissions{"one": {Publish: p.Publish, Subscribe: p.Subscribe, Responses: 1}}
	got := make(map[string]Permissions)
	for name, u := range r.Users {
		got[name] = u.Permissions
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("users %+v, want %+v", got, want)
	}
}

func TestFunctionsThatCannotBeToldApartOrAreNoneGetNoAccount(t *testing.T) {
	o := someWorld(t)
	for name, fns := range map[string][]functions.Function{
		"two of one name": {hearing("one"), hearing("one")},
		"no declaration":  {{Name: "one"}},
	} {
		if creds, err := o.Functions(t.Context(), fns); err == nil {
			t.Errorf("%s: %d credentials", name, len(creds))
		}
	}
	if _, err := o.FunctionAccount("one"); err == nil {
		t.Error("it has an account")
	}
}

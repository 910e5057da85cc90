package accounts

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"natster/events"
)

func someAccount(t *testing.T) events.Account {
	t.Helper()
	k, err := newKey(nkeys.CreateAccount)
	if err != nil {
		t.Fatal(err)
	}
	a, err := events.ParseAccount(k.public)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func someCatalog(t *testing.T, name string) events.Catalog {
	t.Helper()
	c, err := events.ParseCatalog(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The literals are the table in the wire contract.
func TestAccountsHaveTheContractsExportsAndImports(t *testing.T) {
	self, global, owner, heard := someAccount(t), someAccount(t), someAccount(t), someAccount(t)
	user, functions := jwt.NewAccountClaims(self.String()), jwt.NewAccountClaims(global.String())
	feed := jwt.NewAccountClaims(heard.String())
	shapeUser(user, self, WellKnown{Global: global, Feed: heard})
	if err := shapeGlobal(new(record), functions); err != nil {
		t.Fatal(err)
	}
	shapeFeed(feed)
	for _, i := range catalogImports(self, Import{Catalog: someCatalog(t, "films"), Owner: owner,
		As: someCatalog(t, "films")}) {
		setImport(user, i)
	}
	var got []string
	for who, c := range map[string]*jwt.AccountClaims{"user": user, "global": functions, "feed": feed} {
		for _, e := range c.Exports {
			got = append(got, fmt.Sprint(who, " exports ", e.Name, " ", e.Type, " ", e.Subject, " ",
				e.AccountTokenPosition, " ", e.TokenReq))
		}
		for _, i := range c.Imports {
			got = append(got, fmt.Sprint(who, " imports ", i.Name, " ", i.Type, " ", i.Subject, " as ", i.LocalSubject,
				" from ", i.Account))
		}
	}
	a, g, o, f := self.String(), global.String(), owner.String(), heard.String()
	want := []string{
		"global exports natster_global service *.natster.global.> 1 false",
		"feed exports global_events stream *.natster.global-events.* 1 false",
		"feed exports global_news stream *.natster.global-news.* 1 false",
		"user exports natster_catalog service *.natster.catalog.> 1 false",
		"user exports natster_media stream *.natster.media.*.* 1 false",
		"user imports natster_global service " + a + ".natster.global.> as natster.global.> from " + g,
		"user imports natster_global_events stream " + a + ".natster.global-events.* as natster.global-events.* from " +
			f,
		"user imports natster_global_news stream " + a + ".natster.global-news.* as natster.global-news.* from " + f,
		"user imports natster_films service " + a + ".natster.catalog.films.> as natster.catalog.films.> from " + o,
		"user imports natster_films_media stream " + a + ".natster.media.films.* as natster.media.films.* from " + o,
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	if user.Limits.IsUnlimited() || user.Limits.JetStreamLimits != (jwt.JetStreamLimits{}) {
		t.Error("a user has JetStream")
	}
	if user.Limits.Imports != jwt.NoLimit {
		t.Errorf("a user may have %d imports, not any number", user.Limits.Imports)
	}
}

func TestShapingTwiceChangesNothing(t *testing.T) {
	self, owner := someAccount(t), someAccount(t)
	world := WellKnown{Global: someAccount(t), Feed: someAccount(t)}
	shape := func(c *jwt.AccountClaims) {
		shapeUser(c, self, world)
		for _, i := range catalogImports(self, Import{Catalog: someCatalog(t, "films"), Owner: owner,
			As: someCatalog(t, "films")}) {
			setImport(c, i)
		}
	}
	once, twice := jwt.NewAccountClaims(self.String()), jwt.NewAccountClaims(self.String())
	shape(once)
	shape(twice)
	shape(twice)
	if !reflect.DeepEqual(once, twice) {
		t.Errorf("once:\n%s\ntwice:\n%s", once, twice)
	}
}

func TestPermissionsThatListNothingPermitNothing(t *testing.T) {
	nothing := jwt.Permission{Deny: jwt.StringList{">"}}
	for name, test := range map[string]struct {
		p    Permissions
		want jwt.Permissions
	}{
		"nothing":    {Permissions{}, jwt.Permissions{Pub: nothing, Sub: nothing}},
		"everything": {Permissions{All: true, Publish: []string{"x"}}, jwt.Permissions{}},
		"publish": {Permissions{Publish: []string{"x"}},
			jwt.Permissions{Pub: jwt.Permission{Allow: jwt.StringList{"x"}}, Sub: nothing}},
		"respond": {Permissions{Subscribe: []string{"x"}, Responses: 2}, jwt.Permissions{
			Pub: nothing, Sub: jwt.Permission{Allow: jwt.StringList{"x"}}, Resp: &jwt.ResponsePermission{MaxMsgs: 2}}},
	} {
		if got := test.p.claims(); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, test.want)
		}
	}
}

func TestNamesThatCannotBeFilesOrAreTakenAreRefused(t *testing.T) {
	for _, name := range []string{"alice", "Alice.B-2_x", "7"} {
		if err := checkName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", ".", "..", "a/b", "a\\b", "../x", "a b", "a\x00", "é", "sys", "Global", "hub",
		"SITE", "none", string(make([]byte, 65))} {
		if err := checkName(name); err == nil {
			t.Errorf("%q is accepted", name)
		}
	}
}

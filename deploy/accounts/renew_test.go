package accounts

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/nats-io/jwt/v2"

	"natster/events"
	"natster/functions"
)

// An account that an older version enrolled has neither the newer imports nor, in its web keys, the newer permissions.
func TestBootstrapBringsTheAccountsOfAnOlderVersionUpToDate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	if err := Bootstrap(t.Context(), dir, functions.Limits{}); err != nil {
		t.Fatal(err)
	}
	o, err := Open(dir, functions.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	alice, err := o.Enrol(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.AddWebKey(t.Context(), alice.Account); err != nil {
		t.Fatal(err)
	}
	claims := func() *jwt.AccountClaims {
		t.Helper()
		r, err := o.keys.account(alice.Account)
		if err != nil {
			t.Fatal(err)
		}
		c, err := jwt.DecodeAccountClaims(r.JWT)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	now := claims()
	older := func(r *record, c *jwt.AccountClaims) error {
		r.Shape = "" // which a version that did not know of it leaves out, and one of another shape says otherwise
		news := events.GlobalNewsImport(alice.Account)
		dropImport(c, importOf("natster_global_news", jwt.Stream, o.known.Feed, news))
		for _, key := range webKeys(c) {
			template := &c.SigningKeys[key].(*jwt.UserScope).Template
			template.Permissions.Sub.Allow = jwt.StringList{"natster.global-events.*"}
		}
		return nil
	}
	if _, err := o.edit(t.Context(), nil, alice.Account, older); err != nil {
		t.Fatal(err)
	}
	if reflect.DeepEqual(claims(), now) {
		t.Fatal("the older account is not older")
	}
	if err := Bootstrap(t.Context(), dir, functions.Limits{}); err != nil {
		t.Fatal(err)
	}
	got := claims()
	if want := len(now.Imports); len(got.Imports) != want {
		t.Errorf("it has %d imports, not %d", len(got.Imports), want)
	}
	if !reflect.DeepEqual(got.SigningKeys, now.SigningKeys) {
		t.Errorf("its keys may do %+v, not %+v", got.SigningKeys, now.SigningKeys)
	}
}

// A version for which all functions were users of the account global, with JetStream in it, makes it that again when it
// opens a newer world. Whoever has such a user's credentials could speak for everybody.
func TestWhatAnOlderVersionGaveTheAccountThatRoutesIsTakenFromIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	if err := Bootstrap(t.Context(), dir, functions.Limits{}); err != nil {
		t.Fatal(err)
	}
	o, err := Open(dir, functions.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	claims := func() (record, *jwt.AccountClaims) {
		t.Helper()
		r, c, err := o.read(o.known.Global)
		if err != nil {
			t.Fatal(err)
		}
		return r, c
	}
	_, now := claims()
	var old record
	older := func(r *record, c *jwt.AccountClaims) error {
		setExport(c, stream("global_events", events.GlobalEventsExport))
		c.Limits.DiskStorage, c.Limits.MemoryStorage = jwt.NoLimit, jwt.NoLimit
		err := r.setUser(c, "eventwriter", Permissions{Publish: []string{"natster.events.>"}})
		if err == nil {
			err = r.setUser(c, AdminUser, Permissions{All: true})
		}
		old = *r
		old.Users = maps.Clone(r.Users)
		return err
	}
	if _, err := o.edit(t.Context(), nil, o.known.Global, older); err != nil {
		t.Fatal(err)
	}
	if err := Bootstrap(t.Context(), dir, functions.Limits{}); err != nil {
		t.Fatal(err)
	}
	r, got := claims()
	if len(r.Users) > 0 || !reflect.DeepEqual(got.Exports, now.Exports) ||
		!reflect.DeepEqual(got.Limits, now.Limits) {
		t.Errorf("it has users %v, exports %v, limits %+v", slices.Sorted(maps.Keys(r.Users)), got.Exports, got.Limits)
	}
	for name, u := range old.Users {
		c, err := jwt.DecodeUserClaims(u.JWT)
		if err != nil {
			t.Fatal(err)
		}
		if !got.IsClaimRevoked(c) {
			t.Errorf("%s can still connect", name)
		}
	}
}

type idle struct{ functions.NoClose }

func (idle) event(context.Context, events.Envelope) error { return nil }

func TestAFunctionThatIsNoMoreLosesAllItHad(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	if err := Bootstrap(t.Context(), dir, functions.Limits{}); err != nil {
		t.Fatal(err)
	}
	o, err := Open(dir, functions.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := functions.Function{
		Name: "gone", Doc: "hears of shares",
		Triggers: []functions.Trigger{functions.OnEvent(idle.event, events.Shared)},
		New:      func(context.Context, functions.Host) (functions.Instance, error) { return idle{}, nil },
	}
	creds, err := o.Functions(t.Context(), []functions.Function{f})
	if err != nil || len(creds) != 1 {
		t.Fatalf("%d credentials, %v", len(creds), err)
	}
	a, err := o.FunctionAccount(f.Name)
	if err != nil {
		t.Fatal(err)
	}
	had, _, err := o.read(a)
	if err != nil {
		t.Fatal(err)
	}
	user, err := jwt.DecodeUserClaims(had.Users[f.Name].JWT)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Functions(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	r, c, err := o.read(a)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Users)+len(c.Imports)+len(c.Exports) > 0 || !c.IsClaimRevoked(user) {
		t.Errorf("it has %d users, %d imports, %d exports; its user is revoked: %v", len(r.Users), len(c.Imports),
			len(c.Exports), c.IsClaimRevoked(user))
	}
}

func TestBootstrapCostsLittleWhereAllAccountsAreUpToDate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	if err := Bootstrap(t.Context(), dir, functions.Limits{}); err != nil {
		t.Fatal(err)
	}
	o, err := Open(dir, functions.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const users = 20
	cost := func() float64 {
		return testing.AllocsPerRun(3, func() {
			if err := Bootstrap(t.Context(), dir, functions.Limits{}); err != nil {
				t.Fatal(err)
			}
		})
	}
	alone := cost()
	for i := range users {
		if _, err := o.Enrol(t.Context(), fmt.Sprintf("user%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	reading := testing.AllocsPerRun(3, func() {
		if _, _, err := o.Accounts(); err != nil {
			t.Fatal(err)
		}
	})
	if most := alone + 2*reading; cost() > most {
		t.Errorf("it allocates %.0f times for %d accounts, %.0f without any; to read them all takes %.0f", cost(),
			users, alone, reading)
	}
}

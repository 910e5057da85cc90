package view_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nkeys"

	"natster/events"
	"natster/functions/view"
	"natster/internal/test/eventstest"
)

// shareIn is the share in one document, if there is one.
func shareIn(f view.Found) (view.Share, bool, error) {
	for s, err := range view.SharesIn([]view.Found{f}) {
		return s, err == nil, err
	}
	return view.Share{}, false, nil
}

func TestAShareIsReadFromItsKey(t *testing.T) {
	for _, name := range []string{"films", "imported", "by", "to", strings.Repeat("x", events.MaxCatalogName)} {
		c, err := events.ParseCatalog(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, imported := range []bool{false, true} {
			want := view.Share{From: eventstest.Account(t), To: eventstest.Account(t), Catalog: c, Imported: imported}
			value, err := json.Marshal(view.Stored[view.Share]{Position: 9, Doc: want})
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range []string{view.ShareByKey(want.From, c, want.To),
				view.ShareToKey(want.To, want.From, c)} {
				got, ok, err := shareIn(view.Found{Key: key, Value: value})
				if got != want || !ok || err != nil {
					t.Errorf("%s: %+v, %v, %v", key, got, ok, err)
				}
				if _, ok, err := shareIn(view.Found{Key: key}); ok || err != nil {
					t.Errorf("deleted: %v, %v", ok, err)
				}
			}
		}
	}
	a, b := eventstest.Account(t).String(), eventstest.Account(t).String()
	for _, key := range []string{"", "by", "by." + a, "by." + a + ".films", "by." + a + ".films." + b + ".x",
		"by.films." + a + "." + b, "to." + a + ".films." + b, "by." + a + ".*." + b} {
		if s, ok, err := shareIn(view.Found{Key: key, Value: []byte("{}")}); ok || err == nil {
			t.Errorf("%q passes for %+v", key, s)
		}
	}
}

func TestADocumentIsBelievedOnlyWhereItBelongs(t *testing.T) {
	films, err := events.ParseCatalog("films")
	if err != nil {
		t.Fatal(err)
	}
	alice, bob, eve := eventstest.Account(t), eventstest.Account(t), eventstest.Account(t)
	value, err := json.Marshal(view.Stored[view.Share]{Doc: view.Share{From: alice, To: bob, Catalog: films}})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{view.ShareByKey(alice, films, eve), view.ShareToKey(eve, alice, films),
		view.ShareToKey(alice, bob, films)} {
		if s, ok, err := shareIn(view.Found{Key: key, Value: value}); ok || err != nil {
			t.Errorf("a share copied to %s is read as %+v, %v", key, s, err)
		}
		if s, ok, err := view.Doc[view.Share](view.Found{Key: key, Value: value}); ok || err != nil {
			t.Errorf("a share copied to %s is read as %+v, %v", key, s, err)
		}
	}
	me, err := json.Marshal(view.Stored[view.Account]{Doc: view.Account{Account: alice}})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := view.Doc[view.Account](view.Found{Key: view.AccountKey(eve), Value: me}); ok || err != nil {
		t.Errorf("another's identity passes: %v", err)
	}
}

func TestOnlyTheVaultOpensAContext(t *testing.T) {
	newKey := func() (nkeys.KeyPair, string) {
		kp, err := nkeys.CreateCurveKeys()
		if err != nil {
			t.Fatal(err)
		}
		public, err := kp.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		return kp, public
	}
	vault, public := newKey()
	other, _ := newKey()
	secret := json.RawMessage(`{"access_token":"very secret"}`)
	value, err := view.SealContext(public, "ref", secret)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(value, []byte("secret")) || bytes.Contains(value, []byte("access_token")) {
		t.Errorf("in clear: %s", value)
	}
	got, err := view.OpenContext(vault, "ref", value)
	if err != nil || !bytes.Equal(got, secret) {
		t.Errorf("opens as %s, %v", got, err)
	}
	again, err := view.SealContext(public, "ref", secret)
	if err != nil || bytes.Equal(again, value) {
		t.Errorf("sealing twice gives the same: %v", err)
	}
	for name, try := range map[string]func() (json.RawMessage, error){
		"another key":   func() (json.RawMessage, error) { return view.OpenContext(other, "ref", value) },
		"another place": func() (json.RawMessage, error) { return view.OpenContext(vault, "elsewhere", value) },
		"cut": func() (json.RawMessage,
			error) {
			return view.OpenContext(vault, "ref", value[:len(value)-10])
		},
		"empty": func() (json.RawMessage, error) { return view.OpenContext(vault, "ref", nil) },
		"no sender": func() (json.RawMessage,
			error) {
			return view.OpenContext(vault, "ref", []byte(`{"box":"eGt2MQ=="}`))
		},
		"a long sender": func() (json.RawMessage, error) {
			return view.OpenContext(vault, "ref", []byte(`{"sender":"X`+strings.Repeat("A", 500)+`"}`))
		},
		"an empty box": func() (json.RawMessage, error) {
			return view.OpenContext(vault, "ref", []byte(`{"sender":"`+public+`","box":""}`))
		},
		"sealed to junk": func() (json.RawMessage, error) { return view.SealContext("junk", "ref", secret) },
	} {
		if got, err := try(); !errors.Is(err, view.ErrVault) || got != nil {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

func TestAContextHasItsPlaceByAccountAndLogin(t *testing.T) {
	alice, bob := eventstest.Account(t), eventstest.Account(t)
	keys := make(map[string]bool)
	for _, k := range []string{view.ContextKey(alice, "1"), view.ContextKey(bob, "1"), view.ContextKey(alice, "2"),
		view.ContextKey(alice, "")} {
		keys[k] = true
	}
	if len(keys) != 4 {
		t.Errorf("%v", keys)
	}
	if again := view.ContextKey(alice, "1"); !keys[again] {
		t.Errorf("%s is another place", again)
	}
}

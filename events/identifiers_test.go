package events_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nkeys"

	"natster/events"
	"natster/internal/test/eventstest"
)

func TestACatalogNameIsLettersAndDigits(t *testing.T) {
	for _, name := range []string{"films", "Films2", "0", strings.Repeat("a", events.MaxCatalogName), "None"} {
		if c, err := events.ParseCatalog(name); err != nil || c.String() != name {
			t.Errorf("%q: %v, %v", name, c, err)
		}
	}
	for _, name := range []string{"", "none", "a.b", "a b", "*", ">", "a*", "ä", "a/b", "a\x00", "a\n",
		strings.Repeat("a", events.MaxCatalogName+1)} {
		if _, err := events.ParseCatalog(name); !errors.Is(err, events.ErrCatalogName) {
			t.Errorf("%q was accepted: %v", name, err)
		}
	}
}

func TestAnAccountIsAPublicAccountKey(t *testing.T) {
	a := eventstest.Account(t)
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	userKey, err := user.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"", "none", "*", userKey, strings.ToLower(a.String()), a.String()[:55], a.String() +
		"A"} {
		if _, err := events.ParseAccount(s); !errors.Is(err, events.ErrAccount) {
			t.Errorf("%q was accepted: %v", s, err)
		}
	}
}

func TestIdentifiersTravelInJSON(t *testing.T) {
	type all struct {
		A events.Account `json:"a,omitzero"`
		C events.Catalog `json:"c,omitzero"`
		H events.Hash    `json:"h,omitzero"`
	}
	h, err := events.ParseHash(strings.Repeat("0a", 32))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []all{{}, {eventstest.Account(t), eventstest.Catalog(t, "films"), h}} {
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got all
		if err := json.Unmarshal(b, &got); err != nil || got != want {
			t.Errorf("%s: %v, %v", b, got, err)
		}
	}
	for _, bad := range []string{`{"a":"x"}`, `{"c":"a b"}`, `{"h":"0A"}`, `{"a":3}`} {
		var got all
		if err := json.Unmarshal([]byte(bad), &got); err == nil {
			t.Errorf("%s was accepted as %v", bad, got)
		}
	}
}

func TestTheCallerIsTheFirstToken(t *testing.T) {
	a := eventstest.Account(t)
	for _, test := range []struct {
		subject string
		from    events.Account
		rest    string
		bad     bool
	}{
		{a.String() + ".natster.global.whoami", a, "natster.global.whoami", false},
		{"natster.catalog.films.get", events.Account{}, "natster.catalog.films.get", false},
		{"bogus.natster.global.whoami", events.Account{}, "", true},
		{"", events.Account{}, "", true},
	} {
		from, rest, err := events.Caller(test.subject)
		if from != test.from || rest != test.rest || (err != nil) != test.bad {
			t.Errorf("%q: %v, %q, %v", test.subject, from, rest, err)
		}
	}
}

func FuzzSubjects(f *testing.F) {
	f.Add("natster.catalog.films.get")
	f.Add(strings.Repeat("A", 56) + ".natster.catalog.films.get")
	f.Add("natster.catalog..get")
	f.Fuzz(func(t *testing.T, subject string) {
		from, rest, err := events.Caller(subject)
		if err == nil && !from.IsZero() && from.String()+"."+rest != subject && from.String() != subject {
			t.Errorf("%q came apart as %q and %q", subject, from, rest)
		}
		if c, verb, err := events.CatalogOf(subject); err == nil && events.CatalogSubject(c, verb) != subject {
			t.Errorf("%q came apart as %q and %q", subject, c, verb)
		}
	})
}

func FuzzIdentifiers(f *testing.F) {
	f.Add("films")
	f.Add(strings.Repeat("0a", 32))
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := events.ParseAccount(s); err == nil && a.String() != s {
			t.Errorf("account %q is %q", s, a)
		}
		if c, err := events.ParseCatalog(s); err == nil && (c.String() != s || strings.ContainsAny(s, ".*> \t\n")) {
			t.Errorf("catalog %q is %q", s, c)
		}
		if h, err := events.ParseHash(s); err == nil && h.String() != s && !h.IsZero() {
			t.Errorf("hash %q is %q", s, h)
		}
	})
}

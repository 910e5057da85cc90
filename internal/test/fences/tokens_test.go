package fences_test

import (
	"errors"
	"testing"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"github.com/nats-io/nuid"

	"natster/events"
	"natster/functions/api"
	"natster/internal/jet"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
)

// TestAnImportWithoutItsOwnTokenGetsNothing gives mallory's account imports of what only functions import: reads of the
// log, its subjects, the endpoints behind the account that passes requests on, as which she could speak for alice, and
// the internal commands. It is signed by the operator, and the exporters' tokens are missing, another account's, or of
// her own making. The last of the table has the right ones, and shows that it is the token that decides.
func TestAnImportWithoutItsOwnTokenGetsNothing(t *testing.T) {
	w := worldtest.Start(t)
	alice := w.Account("alice")
	if err := api.NewClient(alice.Conn(t)).Initialize(t.Context(), alice.Key, "", "alice"); err != nil {
		t.Fatal(err)
	}
	function := func(name string) events.Account {
		a, err := w.Keeper().FunctionAccount(name)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	reads := jet.Own.Subject("DIRECT.GET." + events.LogStream)
	exports := []struct {
		of      events.Account
		subject string // as it is exported
		ask     string // where mallory asks
		theirs  events.Account
	}{
		{w.Accounts().Data, reads, reads, function("eventwriter")},
		{w.Accounts().Data, events.LogAll, "natster.events." + alice.Key.String() + ".none.none.natster_initialized",
			function("eventwriter")},
		{function("queries"), events.GlobalService("whoami"),
			alice.Key.String() + "." + events.GlobalSubject("whoami"), w.Accounts().Global},
		{function("eventwriter"), events.GlobalService("events.put"),
			alice.Key.String() + "." + events.GlobalSubject("events.put"), w.Accounts().Global},
		{function("eventwriter"), api.PutInternal("*", events.Bound).Subject(),
			api.PutInternal(alice.Key.String(), events.Bound).Subject(), function("otc")},
	}
	for _, e := range exports {
		asked := func(token string) *jwt.Import {
			return &jwt.Import{Name: e.subject, Account: e.of.String(), Subject: jwt.Subject(e.subject),
				Type: jwt.Service, Token: token}
		}
		foreign := tokenOf(t, w, e.theirs, e.subject)
		for _, forgery := range []struct {
			name    string
			token   func(mallory events.Account) string
			reaches bool
		}{
			{name: "no token", token: func(events.Account) string { return "" }},
			{name: "the token of the account that may", token: func(events.Account) string { return foreign }},
			{name: "a token of her own", token: func(mallory events.Account) string {
				return activation(t, w, mallory, e.of, mallory, e.subject)
			}},
			{name: "a token for another subject", token: func(mallory events.Account) string {
				return activation(t, w, e.of, e.of, mallory, "natster.other")
			}},
			{name: "the right token", reaches: true, token: func(mallory events.Account) string {
				return activation(t, w, e.of, e.of, mallory, e.subject)
			}},
		} {
			t.Run(e.subject+" with "+forgery.name, func(t *testing.T) {
				mallory := w.Account("mallory" + nuid.Next()) // an import is not taken back by forging
				nc := mallory.Conn(t)
				if err := w.TryForge(mallory.Key, asked(forgery.token(mallory.Key))); err != nil && forgery.reaches {
					t.Error(err)
				}
				m, err := nc.Request(e.ask, []byte("{}"), wait.Patience)
				if !forgery.reaches && !errors.Is(err, nats.ErrNoResponders) {
					t.Errorf("%s is answered: %v, %v", e.ask, m, err)
				}
				if forgery.reaches && err != nil {
					t.Errorf("%s is not answered: %v", e.ask, err)
				}
			})
		}
	}
}

// tokenOf is the token with which the account imports the subject now.
func tokenOf(t *testing.T, w *worldtest.World, of events.Account, subject string) string {
	t.Helper()
	claims, err := jwt.DecodeAccountClaims(w.Keys(of).JWT)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range claims.Imports {
		if string(i.Subject) == subject && i.Token != "" {
			return i.Token
		}
	}
	t.Fatalf("%s has no token for %s", of, subject)
	return ""
}

// activation is a token, signed by one account in the name of another, that lets the importer import the subject.
func activation(t *testing.T, w *worldtest.World, signer, exporter, importer events.Account, subject string) string {
	t.Helper()
	pair, err := nkeys.FromSeed([]byte(w.Keys(signer).SigningSeed))
	if err != nil {
		t.Fatal(err)
	}
	c := jwt.NewActivationClaims(importer.String())
	c.IssuerAccount, c.ImportSubject, c.ImportType = exporter.String(), jwt.Subject(subject), jwt.Service
	token, err := c.Encode(pair)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Package eventstest makes identifiers for tests.
package eventstest

import (
	"testing"

	"github.com/nats-io/nkeys"

	"natster/events"
)

// Account is a new account; nobody has its key.
func Account(t testing.TB) events.Account {
	t.Helper()
	kp, err := nkeys.CreateAccount()
	if err != nil {
		t.Fatal(err)
	}
	key, err := kp.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	a, err := events.ParseAccount(key)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Catalog is the catalog called name.
func Catalog(t testing.TB, name string) events.Catalog {
	t.Helper()
	c, err := events.ParseCatalog(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

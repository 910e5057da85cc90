package accounts_test

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
	"natster/deploy/world"
	"natster/functions"
	"natster/internal/test/wait"
)

// What is set while the world runs holds from its next start on, for accounts that were there before, too.
func TestAnAccountHasItsLimitsAndTakesNothingFromAnother(t *testing.T) {
	w := bare(t)
	alice, bob := w.Account("alice"), w.Account("bob")
	const most, subscriptions, payload = 8, 256, 1 << 19
	l := functions.Limits{Connections: most, Subscriptions: subscriptions, Payload: payload}
	if err := world.WriteLimits(w.Config().Dir, l); err != nil {
		t.Fatal(err)
	}
	open := func(creds accounts.Creds) (*nats.Conn, error) {
		nc, err := w.Info().Connect(t.Context(), creds)
		if err == nil {
			t.Cleanup(nc.Close)
		}
		return nc, err
	}
	for range most + 1 {
		if nc, err := open(alice.Creds); err != nil {
			t.Fatalf("before the next start: %v", err)
		} else {
			nc.Close()
		}
	}
	w.Restart(t)
	var last *nats.Conn
	for i := range most {
		var err error
		if last, err = open(alice.Creds); err != nil {
			t.Fatalf("connection %d of %d: %v", i+1, most, err)
		}
	}
	if _, err := open(alice.Creds); !errors.Is(err, nats.ErrMaxAccountConnectionsExceeded) {
		t.Errorf("connection %d of %d: %v", most+1, most, err)
	}
	if nc, err := open(bob.Creds); err != nil || nc.Flush() != nil {
		t.Errorf("bob: %v", err)
	}
	wait.Eventually(t, "the server's word on the payload", func() bool { return last.MaxPayload() == payload })
	last.Close()
	last = wait.For(t, "room for a connection", func() (*nats.Conn, error) { return open(alice.Creds) })

	heard := make(chan error, 1)
	last.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		select {
		case heard <- err:
		default:
		}
	})
	for range subscriptions + 1 {
		if _, err := last.Subscribe("x", func(*nats.Msg) {}); err != nil {
			t.Fatal(err)
		}
	}
	if err := wait.Receive(t, "a refusal", heard); !errors.Is(err, nats.ErrMaxSubscriptionsExceeded) {
		t.Errorf("one subscription too many: %v", err)
	}

	hub, err := w.Keeper().Owner(t.Context(), w.Accounts().Hub)
	if err != nil {
		t.Fatal(err)
	}
	for range most + 1 { // it serves everybody
		if _, err := open(hub); err != nil {
			t.Errorf("the hub: %v", err)
		}
	}
}

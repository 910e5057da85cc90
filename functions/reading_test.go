package functions

import (
	"testing"

	"github.com/nats-io/nkeys"

	"natster/events"
)

func TestThoseWhoWaitAreCounted(t *testing.T) {
	alice, bob := events.Account{}, someAccount(t) // other functions ask as no account
	r := newRoom(3, 2)
	for i, step := range []struct {
		who  events.Account
		want bool
	}{{alice, true}, {alice, true}, {alice, false}, {bob, true}, {bob, false}} {
		if got := r.enter(step.who); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
	r.leave(alice)
	if !r.enter(bob) || r.enter(alice) {
		t.Error("a place that was left is not given to the next")
	}
	r.leave(alice)
	r.leave(bob)
	r.leave(bob)
	if r.all != 0 || len(r.inside) != 0 {
		t.Errorf("%d are still inside, %v", r.all, r.inside)
	}
}

func someAccount(t *testing.T) events.Account {
	t.Helper()
	pair, err := nkeys.CreateAccount()
	if err != nil {
		t.Fatal(err)
	}
	key, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	a, err := events.ParseAccount(key)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

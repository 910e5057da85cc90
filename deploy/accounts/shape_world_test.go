package accounts

import (
	"errors"
	"reflect"
	"testing"

	"github.com/nats-io/jwt/v2"

	"natster/functions"
)

// The operator's identity signs nothing but its own JWT, and its user in the account of the server may only tell that
// of accounts.
func TestWhatTheOperatorItselfMayDo(t *testing.T) {
	o := someWorld(t)
	if !o.Claims().StrictSigningKeyUsage {
		t.Error("the operator's identity can sign accounts")
	}
	r, _ := claimsOf(t, o, o.known.System)
	want := Permissions{Publish: []string{"$SYS.REQ.CLAIMS.UPDATE"}, Subscribe: []string{"_INBOX.>"}}
	if len(r.Users) != 1 || !reflect.DeepEqual(r.Users[keeperUser].Permissions, want) {
		t.Errorf("users of the server's account: %d; the keeper may %+v", len(r.Users), r.Users[keeperUser].Permissions)
	}
}

// What is not in the shape a version does not bring to the accounts that are there.
func TestAnotherLimitIsAnotherShape(t *testing.T) {
	o := someWorld(t)
	before := o.userShape()
	o.limits = functions.Limits{Connections: 8}
	if before == "" || o.userShape() == before {
		t.Errorf("with other limits the shape is %q as before", before)
	}
}

func TestAUserHasANameThatCanBe(t *testing.T) {
	o := someWorld(t)
	r, c := claimsOf(t, o, o.known.Data)
	for _, name := range []string{"", "a b", "../x", "\u3164"} {
		if err := r.setUser(c, name, Permissions{All: true}); !errors.Is(err, ErrName) {
			t.Errorf("user %q: %v", name, err)
		}
	}
	if err := r.setUser(c, "clerk", Permissions{}); err != nil {
		t.Fatal(err)
	}
	old, err := jwt.DecodeUserClaims(r.Users["clerk"].JWT)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.setUser(c, "clerk", Permissions{Publish: []string{"x"}}); err != nil || !c.IsClaimRevoked(old) {
		t.Errorf("other permissions: %v; the credentials of before are revoked: %v", err, c.IsClaimRevoked(old))
	}
}

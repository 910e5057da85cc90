package sealedbox_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/nats-io/nkeys"

	"natster/internal/sealedbox"
)

func pair(t *testing.T) (nkeys.KeyPair, string) {
	t.Helper()
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

func TestOnlyTheHolderOfThePairOpens(t *testing.T) {
	mine, public := pair(t)
	other, otherPublic := pair(t)
	sender, box, err := sealedbox.Seal([]byte("secret"), public)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := sealedbox.Open(box, sender, mine); err != nil || string(plain) != "secret" {
		t.Errorf("opened %q, %v", plain, err)
	}
	if _, err := sealedbox.Open(box, sender, other); err == nil {
		t.Error("another key opened it")
	}
	if _, err := sealedbox.Open(box, otherPublic, mine); err == nil {
		t.Error("it opened as another sender's")
	}
	box[len(box)-1] ^= 1
	if _, err := sealedbox.Open(box, sender, mine); err == nil {
		t.Error("a changed box opened")
	}
}

func TestEachBoxHasAKeyOfItsOwn(t *testing.T) {
	_, public := pair(t)
	one, first, err1 := sealedbox.Seal([]byte("same"), public)
	two, second, err2 := sealedbox.Seal([]byte("same"), public)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if one == two || bytes.Equal(first, second) {
		t.Error("two boxes have the same key")
	}
}

func TestWhatIsNotAKeyIsSaid(t *testing.T) {
	mine, public := pair(t)
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	userKey, err := user.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "X", public[1:], userKey} {
		if _, _, err := sealedbox.Seal(nil, bad); !errors.Is(err, sealedbox.ErrKey) {
			t.Errorf("sealed to %q: %v", bad, err)
		}
		if _, err := sealedbox.Open(nil, bad, mine); !errors.Is(err, sealedbox.ErrKey) {
			t.Errorf("opened as of %q: %v", bad, err)
		}
	}
}

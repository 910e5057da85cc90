package websessions

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"natster/events"
	"natster/internal/sealedbox"
)

// ErrKey is wrapped by every error about a web key. It never holds anything of the key.
var ErrKey = errors.New("web key")

// sealedForm begins every sealed web key and names its form.
const sealedForm = "nwk1"

// maxSealed bounds a sealed web key, in bytes of text; it has about five hundred.
const maxSealed = 2048

// A webKey is what is sealed. Account and seed are sealed together so that one account's key never passes for
// another's.
type webKey struct {
	Account events.Account `json:"account"`
	Seed    string         `json:"seed"`
}

// SealKey returns the seed of a scoped signing key of account a, sealed so that only the holder of xkey can open it:
// `nwk1.<public key of a sender made for this>.<box, base64url>`.
func SealKey(xkey string, a events.Account, seed []byte) (string, error) {
	plain, err := json.Marshal(webKey{a, string(seed)})
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrKey, err)
	}
	sender, box, err := sealedbox.Seal(plain, xkey)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrKey, err)
	}
	return sealedForm + "." + sender + "." + base64.RawURLEncoding.EncodeToString(box), nil
}

// openKey returns the account and the signing key that [SealKey] sealed. The caller wipes the pair.
func openKey(own nkeys.KeyPair, sealed string) (events.Account, nkeys.KeyPair, error) {
	bad := func(what string) (events.Account, nkeys.KeyPair, error) {
		return events.Account{}, nil, fmt.Errorf("%w: %s", ErrKey, what)
	}
	part := strings.Split(sealed, ".")
	if len(sealed) > maxSealed || len(part) != 3 || part[0] != sealedForm || !nkeys.IsValidPublicCurveKey(part[1]) {
		return bad("not in its form")
	}
	box, err := base64.RawURLEncoding.DecodeString(part[2])
	if err != nil {
		return bad("not in its form")
	}
	plain, err := sealedbox.Open(box, part[1], own)
	if err != nil {
		return bad("it was sealed to another key")
	}
	var k webKey
	if err := json.Unmarshal(plain, &k); err != nil || k.Account.IsZero() {
		return bad("what was sealed is not in its form")
	}
	pair, err := nkeys.FromSeed([]byte(k.Seed))
	if err != nil {
		return bad("what was sealed is not a seed")
	}
	if public, err := pair.PublicKey(); err != nil || !nkeys.IsValidPublicAccountKey(public) {
		return bad("what was sealed is not a signing key of an account")
	}
	return k.Account, pair, nil
}

// sign returns the JWT of a user of account a whose key is user, signed by a scoped signing key of the account. It says
// nothing of permissions: those are the scope's.
func sign(a events.Account, signer nkeys.KeyPair, user string, expires time.Time) (string, error) {
	c := jwt.NewUserClaims(user)
	c.Name = "web"
	c.IssuerAccount = a.String()
	c.Expires = expires.Unix()
	c.SetScoped(true)
	token, err := c.Encode(signer)
	if err != nil {
		return "", fmt.Errorf("%w: sign a user: %w", ErrKey, err)
	}
	return token, nil
}

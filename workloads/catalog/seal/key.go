package seal

import (
	"errors"
	"fmt"

	"github.com/nats-io/nkeys"
)

// ErrKey is wrapped by every error about text that is not a public xkey and about a key that cannot be made.
var ErrKey = errors.New("not an xkey (56 characters, starting with X)")

// A Key is an xkey pair, used for one session and then wiped.
type Key struct {
	pair   nkeys.KeyPair
	public string
}

// NewKey makes a fresh key.
func NewKey() (*Key, error) {
	pair, err := nkeys.CreateCurveKeys()
	if err != nil {
		return nil, fmt.Errorf("make an xkey: %w", err)
	}
	return newKey(pair)
}

// KeyFromSeed returns the key of a seed, for tests and vectors; the key of a session is never stored.
func KeyFromSeed(seed string) (*Key, error) {
	pair, err := nkeys.FromCurveSeed([]byte(seed))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return newKey(pair)
}

func newKey(pair nkeys.KeyPair) (*Key, error) {
	public, err := pair.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return &Key{pair, public}, nil
}

// Public returns the public xkey.
func (k *Key) Public() string { return k.public }

// Wipe erases the private key.
func (k *Key) Wipe() { k.pair.Wipe() }

// CheckPublic returns an error that wraps [ErrKey] unless s is a public xkey.
func CheckPublic(s string) error {
	if !nkeys.IsValidPublicCurveKey(s) {
		return ErrKey
	}
	return nil
}

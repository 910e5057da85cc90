// Package sealedbox seals to a public curve key (xkey) with a key of one use: the holder of the pair can open the box,
// and it does not say who sealed it.
//
//	sealedbox.go  Seal, Open
package sealedbox

import (
	"errors"
	"fmt"

	"github.com/nats-io/nkeys"
)

// ErrKey is wrapped when a key is not a valid public curve key.
var ErrKey = errors.New("not a public curve key (they begin with X)")

// Seal seals plain to the public curve key to, with a key that it makes for this box and then forgets. It returns the
// public half of that key, which [Open] needs, and the box. The error wraps [ErrKey] if to is not a valid key.
func Seal(plain []byte, to string) (sender string, box []byte, err error) {
	if !nkeys.IsValidPublicCurveKey(to) {
		return "", nil, fmt.Errorf("%q: %w", to, ErrKey)
	}
	once, err := nkeys.CreateCurveKeys()
	if err != nil {
		return "", nil, err
	}
	defer once.Wipe()
	if sender, err = once.PublicKey(); err != nil {
		return "", nil, err
	}
	box, err = once.Seal(plain, to)
	return sender, box, err
}

// Open returns what [Seal] sealed to the public half of pair. The error wraps [ErrKey] if sender is not a valid key;
// any other error says that the box was sealed to another key, or was changed.
func Open(box []byte, sender string, pair nkeys.KeyPair) ([]byte, error) {
	if !nkeys.IsValidPublicCurveKey(sender) {
		return nil, fmt.Errorf("sender: %w", ErrKey)
	}
	return pair.Open(box, sender)
}

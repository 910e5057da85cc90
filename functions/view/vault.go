package view

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nkeys"

	"natster/internal/sealedbox"
)

// ErrVault is wrapped by every error about a context that cannot be sealed or opened. It never holds anything of the
// context.
var ErrVault = errors.New("sealed context")

// A sealedContext is a value of [Contexts], sealed by [sealedbox.Seal]: only the vault can open it.
type sealedContext struct {
	Sender string `json:"sender"` // public curve key
	Box    []byte `json:"box"`
}

// A boxedContext is what is in the box. The key is in it so that a value that is moved to another key does not open
// there.
type boxedContext struct {
	Key     string          `json:"key"`
	Context json.RawMessage `json:"context"`
}

// SealContext returns the value for key of [Contexts]: context, JSON, sealed to the vault's public curve key.
func SealContext(vault, key string, context json.RawMessage) ([]byte, error) {
	plain, err := json.Marshal(boxedContext{Key: key, Context: context})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVault, err)
	}
	var s sealedContext
	if s.Sender, s.Box, err = sealedbox.Seal(plain, vault); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVault, err)
	}
	return json.Marshal(s)
}

// OpenContext returns the context that [SealContext] sealed for key; vault is the pair of the key that it was sealed
// to.
func OpenContext(vault nkeys.KeyPair, key string, value []byte) (json.RawMessage, error) {
	var s sealedContext
	if err := json.Unmarshal(value, &s); err != nil {
		return nil, fmt.Errorf("%w: not in its form", ErrVault)
	}
	plain, err := sealedbox.Open(s.Box, s.Sender, vault)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVault, err)
	}
	var b boxedContext
	if err := json.Unmarshal(plain, &b); err != nil {
		return nil, fmt.Errorf("%w: not in its form", ErrVault)
	}
	if b.Key != key {
		return nil, fmt.Errorf("%w: it belongs under another key", ErrVault)
	}
	return b.Context, nil
}

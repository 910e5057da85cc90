package events

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"natster/internal/brief"
)

// ErrHash is wrapped by every error about text that is not a valid file hash.
var ErrHash = errors.New("not a file hash (64 lower-case hexadecimal digits)")

// A Hash is the SHA-256 of a file's content: the file's identity within a catalog. The zero value is no hash.
type Hash [sha256.Size]byte

// ParseHash returns the hash written as s (64 lower-case hexadecimal digits), or an error that wraps [ErrHash].
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) == 2*len(h) && strings.ToLower(s) == s {
		if _, err := hex.Decode(h[:], []byte(s)); err == nil {
			return h, nil
		}
	}
	return Hash{}, fmt.Errorf("%q: %w", brief.Clip(s), ErrHash)
}

// String is the hash in lower-case hexadecimal, or the empty string for the zero value.
func (h Hash) String() string {
	if h.IsZero() {
		return ""
	}
	return hex.EncodeToString(h[:])
}

// Short is the first 12 digits: unique within any catalog of sane size, and accepted wherever the CLI takes a hash.
func (h Hash) Short() string {
	if h.IsZero() {
		return ""
	}
	return hex.EncodeToString(h[:6])
}

// IsZero reports whether h is the zero value, which stands for no hash.
func (h Hash) IsZero() bool { return h == Hash{} }

// MarshalText is the hash in hexadecimal, or nothing for the zero value.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText accepts 64 lower-case hexadecimal digits or nothing; anything else is refused with [ErrHash].
func (h *Hash) UnmarshalText(text []byte) error { return unmarshal(h, text, ParseHash) }

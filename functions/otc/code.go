package otc

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"natster/events"
	"natster/functions/view"
)

// A code is 26 letters and digits, 130 random bits: too many to guess at, so claims need no rate limit. It is a secret
// until it is claimed, and hides itself from fmt and slog.
type code struct{ text string }

func (code) String() string   { return "[code]" }
func (code) GoString() string { return "[code]" }

const (
	codeLength   = 26
	codeAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
)

func newCode() code { return code{rand.Text()} }

// parseCode reads a code as a person may have typed it; ok is false for what cannot be one.
func parseCode(s string) (c code, ok bool) {
	if len(s) > 4*codeLength {
		return code{}, false
	}
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) != codeLength || strings.Trim(s, codeAlphabet) != "" {
		return code{}, false
	}
	return code{s}, true
}

// hash is all that is kept of the code.
func (c code) hash() string {
	h := sha256.Sum256([]byte(c.text))
	return hex.EncodeToString(h[:])
}

// errSealed says that a sealed value is not what this code and this account sealed.
var errSealed = errors.New("the sealed context does not open")

// seal encrypts plain so that whoever has the code, and knows which account it is from, can open it.
func (c code) seal(by events.Account, plain []byte) ([]byte, error) {
	aead, err := c.aead()
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plain, []byte(by.String())), nil
}

func (c code) open(by events.Account, sealed []byte) ([]byte, error) {
	aead, err := c.aead()
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, sealed, []byte(by.String()))
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}

// aead is AES-256-GCM with a random nonce in front, under a key that belongs to this code alone.
func (c code) aead() (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(c.text), nil, "natster one-time code v1", 32)
	if err != nil {
		return nil, fmt.Errorf("otc: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("otc: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// good reports whether a code made at the given time can still be claimed. The bucket removes codes by itself, but not to
// the second.
func good(made, now time.Time) bool { return now.Sub(made) < view.CodeTTL }

// maker is the account in a key of the codes bucket.
func maker(key string) (events.Account, error) {
	account, _, _ := strings.Cut(key, ".")
	return events.ParseAccount(account)
}

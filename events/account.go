package events

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"

	"github.com/nats-io/nkeys"

	"natster/internal/brief"
)

// None stands for "no account" and "no catalog" in a subject of the event log and in a request of type
// natster_initialized.
const None = "none"

// keyLen is the length of a public key: prefix, 32 bytes and a checksum of two, in base32.
const keyLen = 56

// ErrAccount is wrapped by every error about text that is not a valid account key.
var ErrAccount = errors.New("not an account key (56 characters, starting with A)")

// An Account is the public key of a NATS account, which is what Natster calls a user. The zero value is no account.
type Account struct{ key string }

// ParseAccount returns the account whose public key is s, or an error that wraps [ErrAccount].
func ParseAccount(s string) (Account, error) {
	if len(s) != keyLen || !nkeys.IsValidPublicAccountKey(s) { // nkeys alone takes longer text, too
		return Account{}, fmt.Errorf("%q: %w", brief.Clip(s), ErrAccount)
	}
	return Account{s}, nil
}

// String is the public key, or the empty string for the zero value.
func (a Account) String() string { return a.key }

// IsZero reports whether a is the zero value, which stands for no account.
func (a Account) IsZero() bool { return a.key == "" }

// Short is the key's beginning, enough for a person to tell accounts apart in a listing. It does not identify one.
func (a Account) Short() string {
	if len(a.key) < 8 {
		return a.key
	}
	return a.key[:8] + "…"
}

// MarshalText is the public key, or nothing for the zero value.
func (a Account) MarshalText() ([]byte, error) { return []byte(a.key), nil }

// UnmarshalText accepts a public key or nothing; anything else is refused with [ErrAccount].
func (a *Account) UnmarshalText(text []byte) error { return unmarshal(a, text, ParseAccount) }

// unmarshal parses text into an identifier; no text stands for the zero value.
func unmarshal[T any](into *T, text []byte, parse func(string) (T, error)) error {
	var p T
	if len(text) > 0 {
		var err error
		if p, err = parse(string(text)); err != nil {
			return err
		}
	}
	*into = p
	return nil
}

// accountName is what people may call an account; it is the name of a file, too.
var accountName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// IsAccountName reports whether people may call an account, or a user of one, by that name: 1 to 64 ASCII letters,
// digits, dots, hyphens and underscores, of which the first is a letter or a digit.
func IsAccountName(name string) bool { return accountName.MatchString(name) }

func (a Account) token() string { return cmp.Or(a.key, None) }

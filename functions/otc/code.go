package otc

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
	"natster/internal/jet"
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

// seal encrypts plain for the holder of the code, who must know which account it is from.
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

// maxContext bounds a context, in bytes of JSON. With credentials and an access token in it, it has about three
// thousand.
const maxContext = 16 << 10

// madeAtMost is how many codes an account may make within [view.CodeTTL], for each that may wait to be claimed:
// [functions.Limits.Codes]. A few more of both may slip through when they are made at the same instant.
const madeAtMost = 4

// generate stores the caller's context under a new code and returns the code. The code is good once it is returned: the
// bucket has acknowledged it. The oldest codes make room: who asks for another has lost them, or has no use for them.
func (f *otc) generate(ctx context.Context, call *functions.Call, about api.Context) (api.OneTimeCode, error) {
	plain, err := admit(call.From, about)
	if err != nil {
		return api.OneTimeCode{}, err
	}
	if err := f.makeRoom(ctx, call.From); err != nil {
		return api.OneTimeCode{}, err
	}
	c := newCode()
	sealed, err := c.seal(call.From, plain)
	if err != nil {
		return api.OneTimeCode{}, err
	}
	if _, err := view.Put(ctx, f.host.JS, view.Codes, view.CodeKey(call.From, c.hash()), sealed); err != nil {
		return api.OneTimeCode{}, fmt.Errorf("keep code: %w", err)
	}
	return api.OneTimeCode{
		Code:         c.text,
		ValidMinutes: int(view.CodeTTL / time.Minute),
		ClaimURL:     claimURL(f.claims, c),
	}, nil
}

// makeRoom deletes the account's oldest codes that nobody has claimed, so that one more is not too many.
func (f *otc) makeRoom(ctx context.Context, by events.Account) error {
	most := int(f.host.Limits.Codes)
	all := view.Codes.Subject(view.CodesBy(by))
	made, err := f.host.Direct.Range(ctx, view.Codes.Stream(), all, 1, madeAtMost*most) // the oldest first
	if err != nil {
		return fmt.Errorf("count codes: %w", err)
	}
	if len(made) >= madeAtMost*most {
		wait := made[0].Time.Add(view.CodeTTL).Sub(f.host.Now())
		return api.Later(api.ErrTooMany, wait, "this account has made %d codes within %v", len(made), view.CodeTTL)
	}
	waiting := slices.DeleteFunc(made, func(m jet.Message) bool { return jet.Deleted(m.Header) })
	for ; len(waiting) >= most; waiting = waiting[1:] {
		old := waiting[0]
		err := view.Delete(ctx, f.host.JS, view.Codes, view.Codes.Key(old.Subject), old.Sequence)
		if err != nil && !errors.Is(err, jet.ErrConflict) { // claimed in this moment
			return fmt.Errorf("delete an old code: %w", err)
		}
	}
	return nil
}

// admit returns the context to be stored, or why it is refused: an account makes codes for itself only.
func admit(caller events.Account, about api.Context) ([]byte, error) {
	if caller.IsZero() || about.AccountPublicKey != caller {
		return nil, api.Errorf(api.ErrForbidden, "account_public_key is not the calling account")
	}
	plain, err := json.Marshal(about)
	if err != nil {
		return nil, err
	}
	if len(plain) > maxContext {
		return nil, api.Errorf(api.ErrBadRequest,
			"the context is %d bytes long; %d is the most", len(plain), maxContext)
	}
	return plain, nil
}

// claimURL is where a person claims c.
func claimURL(page *url.URL, c code) string {
	if page == nil {
		return ""
	}
	u := *page
	q := u.Query()
	q.Set("code", c.text)
	u.RawQuery = q.Encode()
	return u.String()
}

package otc

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
)

// maxContext bounds a context, in bytes of JSON. With credentials and an access token in it, it has about three
// thousand.
const maxContext = 16 << 10

// generate keeps the caller's context under a new code and returns the code. The code is good once it is returned: the
// bucket has acknowledged it.
func (f *otc) generate(ctx context.Context, call *functions.Call, about api.Context) (api.OneTimeCode, error) {
	plain, err := admit(call.From, about)
	if err != nil {
		return api.OneTimeCode{}, err
	}
	made, err := f.read.Range(ctx, view.Codes.Stream(), view.Codes.Subject(view.CodesBy(call.From)), 1, f.cfg.CodesPerAccount)
	if err != nil {
		return api.OneTimeCode{}, fmt.Errorf("count codes: %w", err)
	}
	if len(made) >= f.cfg.CodesPerAccount {
		return api.OneTimeCode{}, api.Errorf(api.ErrTooMany, "this account has made %d codes within %v: wait a little", len(made), view.CodeTTL)
	}
	c := newCode()
	sealed, err := c.seal(call.From, plain)
	if err != nil {
		return api.OneTimeCode{}, err
	}
	if _, err := view.Put(ctx, f.js, view.Codes, view.CodeKey(call.From, c.hash()), sealed); err != nil {
		return api.OneTimeCode{}, fmt.Errorf("keep code: %w", err)
	}
	return api.OneTimeCode{
		Code:         c.text,
		ValidMinutes: int(view.CodeTTL / time.Minute),
		ClaimURL:     claimURL(f.claims, c),
	}, nil
}

// admit returns the context to be kept, or why it is refused: nobody makes a code for another account.
func admit(caller events.Account, about api.Context) ([]byte, error) {
	if caller.IsZero() || about.AccountPublicKey != caller {
		return nil, api.Errorf(api.ErrForbidden, "account_public_key is not the calling account")
	}
	plain, err := json.Marshal(about)
	if err != nil {
		return nil, err
	}
	if len(plain) > maxContext {
		return nil, api.Errorf(api.ErrBadRequest, "the context is %d bytes long; %d is the most", len(plain), maxContext)
	}
	return plain, nil
}

package otc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
	"natster/internal/backoff"
	"natster/internal/jet"
)

// finishTime is how long a claim that has used up its code may go on, whatever the deadline of the request.
const finishTime = 4 * time.Second

// retryPause is between two attempts to reach eventwriter.
const retryPause = 100 * time.Millisecond

// claim returns the context bound to the code, once, and binds it to the login.
func (f *otc) claim(ctx context.Context, call *functions.Call, q api.Claim) (api.Context, error) {
	c, err := mayClaim(f.site, call.From, q)
	if err != nil {
		return api.Context{}, err
	}
	kept, err := f.find(ctx, c)
	if err != nil {
		return api.Context{}, err
	}
	switch err := view.Delete(ctx, f.host.JS, view.Codes, kept.key, kept.revision); {
	case errors.Is(err, jet.ErrConflict):
		return api.Context{}, errNoCode
	case err != nil:
		f.host.Logger.Warn("a code could not be marked as used", "account", kept.by, "err", err)
		return api.Context{}, api.Errorf(api.ErrUnavailable,
			"the code could not be marked as used: try again, and if it is used up then, make a new one")
	}

	// The code is used up. From here on only this request can bring the claim to its end.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
	defer cancel()
	if err := f.bind(ctx, kept, q.OAuthID); err != nil {
		return api.Context{}, usedUp(err)
	}
	call.Reflects(f.write.Position())
	return kept.about, nil
}

// mayClaim checks who asks and what for.
func mayClaim(site, caller events.Account, q api.Claim) (code, error) {
	switch {
	case site.IsZero() || caller != site:
		return code{}, api.Errorf(api.ErrForbidden, "only the site may claim a code")
	case q.Code == "":
		return code{}, api.Errorf(api.ErrBadRequest, "code is missing")
	}
	if err := api.CheckLogin(q.OAuthID); err != nil {
		return code{}, err
	}
	c, ok := parseCode(q.Code)
	if !ok {
		return code{}, errNoCode
	}
	return c, nil
}

// errNoCode does not tell the reasons apart: a caller without a good code must not learn them.
var errNoCode = api.Errorf(api.ErrNotFound, "no such code: it is unknown, was used already, or has expired")

// usedUp is what the caller is told when a claim failed after its code was used up.
func usedUp(cause error) error {
	refusal, is := errors.AsType[*api.Error](cause)
	if is && refusal.Code != api.CodeInternal && refusal.Code != api.CodeUnavailable {
		said := "the code is used up, but the login was not bound: " + refusal.Message
		return fmt.Errorf("%w: %w", &api.Error{Code: refusal.Code, Message: said}, cause)
	}
	return fmt.Errorf("%w: %w", api.Errorf(api.ErrInternal,
		"the code is used up, but it is not certain that the login was bound: make a new code and claim that"), cause)
}

// A kept code is one as the bucket holds it, opened.
type kept struct {
	key      string
	revision uint64
	by       events.Account
	about    api.Context
}

func (f *otc) find(ctx context.Context, c code) (kept, error) {
	found, err := f.host.Views.Entries(ctx, view.Codes, view.CodeBy(c.hash()))
	if err != nil {
		return kept{}, fmt.Errorf("look up code: %w", err)
	}
	if len(found) == 0 || !good(found[0].Time, f.host.Now()) {
		return kept{}, errNoCode
	}
	k := kept{key: found[0].Key, revision: found[0].Revision}
	if k.by, err = maker(k.key); err != nil {
		return kept{}, fmt.Errorf("kept code: %w", err)
	}
	plain, err := c.open(k.by, found[0].Value)
	if err != nil {
		return kept{}, fmt.Errorf("kept code of %s: %w", k.by, err)
	}
	if err := json.Unmarshal(plain, &k.about); err != nil || k.about.AccountPublicKey != k.by {
		return kept{}, fmt.Errorf("kept code of %s: %w", k.by, errSealed)
	}
	return k, nil
}

// good reports whether a code made at the given time can still be claimed. The bucket removes codes by itself, but not
// to the second.
func good(made, now time.Time) bool { return now.Sub(made) < view.CodeTTL }

// maker is the account in a key of the codes bucket.
func maker(key string) (events.Account, error) {
	account, _, _ := strings.Cut(key, ".")
	return events.ParseAccount(account)
}

// bind stores the context, sealed to the vault, and then has the binding logged.
func (f *otc) bind(ctx context.Context, k kept, login string) error {
	plain, err := json.Marshal(k.about)
	if err != nil {
		return err
	}
	ref := view.ContextKey(k.by, login)
	sealed, err := view.SealContext(f.vault, ref, plain)
	if err != nil {
		return err
	}
	if _, err := view.Put(ctx, f.host.JS, view.Contexts, ref, sealed); err != nil {
		return err
	}
	data, err := json.Marshal(events.BoundData{OAuthID: login, ContextRef: ref})
	if err != nil {
		return err
	}
	put := api.PutRequest{Catalog: events.None, Target: events.None, EventType: string(events.Bound), Data: data}
	for {
		// Said twice, a binding is still the same binding.
		_, err := api.Call(ctx, f.write, api.PutInternal(k.by.String(), events.Bound), put)
		if !errors.Is(err, api.ErrUnavailable) || backoff.Sleep(ctx, retryPause) != nil {
			return err
		}
	}
}

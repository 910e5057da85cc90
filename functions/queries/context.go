package queries

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/jwt/v2"

	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
)

// getContext returns the context that a login is bound to, to the site. The binding is in the log; the context was
// stored before it, sealed, so it is there.
func (f *queries) getContext(ctx context.Context, call *functions.Call, login api.Text) (api.BoundContext, error) {
	if f.cfg.Site.IsZero() || call.From != f.cfg.Site {
		return api.BoundContext{}, api.Errorf(api.ErrForbidden, "only the site may ask for a context")
	}
	if err := api.CheckLogin(string(login)); err != nil {
		return api.BoundContext{}, err
	}
	bound, ok, err := functions.ReadOne[view.Login](ctx, call, view.Logins, view.LoginKey(string(login)))
	if err != nil {
		return api.BoundContext{}, err
	}
	if !ok || bound.OAuthID != string(login) {
		return api.BoundContext{}, api.Errorf(api.ErrNotFound, "no account is bound to this login")
	}
	sealed, err := f.views.Entries(ctx, view.Contexts, bound.ContextRef)
	if err != nil {
		return api.BoundContext{}, err
	}
	if len(sealed) == 0 {
		return api.BoundContext{},
			fmt.Errorf("context of %s: the login is bound to it, but it is not stored", bound.Account)
	}
	plain, err := view.OpenContext(f.vault, bound.ContextRef, sealed[0].Value)
	if err != nil {
		return api.BoundContext{}, fmt.Errorf("context of %s: %w", bound.Account, err)
	}
	var about api.Context
	if err := json.Unmarshal(plain, &about); err != nil || about.AccountPublicKey != bound.Account {
		return api.BoundContext{},
			fmt.Errorf("context of %s: %w: it is not this account's", bound.Account, view.ErrVault)
	}
	b := api.BoundContext{Context: about}
	b.UserJWT, b.UserSeed = userOf(about.Creds)
	return b, nil
}

// userOf returns token and seed of the user in the contents of a credentials file, or nothing when they are not both
// there.
func userOf(creds string) (token, seed string) {
	token, err := jwt.ParseDecoratedJWT([]byte(creds))
	if err != nil {
		return "", ""
	}
	claims, err := jwt.DecodeUserClaims(token)
	if err != nil {
		return "", ""
	}
	key, err := jwt.ParseDecoratedUserNKey([]byte(creds))
	if err != nil {
		return "", ""
	}
	defer key.Wipe()
	if public, err := key.PublicKey(); err != nil || public != claims.Subject {
		return "", ""
	}
	raw, err := key.Seed()
	if err != nil {
		return "", ""
	}
	return token, string(raw)
}

package websessions

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nkeys"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
)

// Lifetime is how long a minted user is good for: long enough to be minted rarely, short enough that a stolen laptop's
// copy of it is soon worthless.
const Lifetime = 15 * time.Minute

// Config is what websessions has to know of the deployment.
type Config struct {
	// Site is the website's account, which alone may have users minted. Without one no account may.
	Site events.Account
	// Key returns the curve key pair that web keys are sealed to. It is called when the function starts. Required.
	Key func() (nkeys.KeyPair, error)
}

type websessions struct {
	functions.NoClose
	site   events.Account
	key    nkeys.KeyPair
	public string
	now    func() time.Time
}

// New returns the function.
func New(cfg Config) functions.Function {
	return functions.Function{
		Name: "websessions",
		Doc:  "mints short-lived, scoped users for the keys of browsers that are logged in",
		Triggers: []functions.Trigger{
			functions.Request(api.WebXKey, (*websessions).xkey),
			functions.Request(api.MintWeb, (*websessions).mint),
		},
		Access: functions.Access{Reads: []view.Bucket{view.Logins}},
		New: func(_ context.Context, h functions.Host) (functions.Instance, error) {
			key, public, err := functions.CurveKey(cfg.Key)
			return &websessions{site: cfg.Site, key: key, public: public, now: h.Now}, err
		},
	}
}

func (f *websessions) xkey(context.Context, *functions.Call, api.None) (api.XKey, error) {
	return api.XKey{XKey: f.public}, nil
}

func (f *websessions) mint(ctx context.Context, call *functions.Call, q api.MintRequest) (api.Minted, error) {
	if f.site.IsZero() || call.From != f.site {
		return api.Minted{}, api.Errorf(api.ErrForbidden, "only the site may have web users minted")
	}
	if !nkeys.IsValidPublicUserKey(q.UserKey) {
		return api.Minted{}, api.Errorf(api.ErrBadRequest, "user_key is not a public user key")
	}
	account, signer, err := openKey(f.key, q.WebKey)
	if err != nil {
		return api.Minted{}, fmt.Errorf("%w: %w", api.Errorf(api.ErrGone,
			"the login's web key cannot be used: link the account again with natster login"), err)
	}
	defer signer.Wipe()
	// An old sealed key is worth nothing once its login is bound to another account.
	l, ok, err := functions.ReadOne[view.Login](ctx, call, view.Logins, view.LoginKey(q.OAuthID))
	if err != nil {
		return api.Minted{}, err
	}
	if !ok || l.OAuthID != q.OAuthID || l.Account != account {
		return api.Minted{}, api.Errorf(api.ErrNotFound, "the login is not bound to the account")
	}
	expires := f.now().Add(Lifetime)
	token, err := sign(account, signer, q.UserKey, expires)
	if err != nil {
		return api.Minted{}, err
	}
	return api.Minted{JWT: token, Account: account, Expires: expires.Unix()}, nil
}

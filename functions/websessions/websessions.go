package websessions

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nkeys"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
)

// DefaultLifetime is how long a minted user is good for: long enough to be minted rarely, short enough that a stolen
// laptop's copy of it is soon worthless.
const DefaultLifetime = 15 * time.Minute

// Config is what websessions has to know of the deployment.
type Config struct {
	// Site is the website's account, which alone may have users minted. Without one no account may.
	Site events.Account
	// Key returns the curve key pair that web keys are sealed to. It is called when the function starts. Required.
	Key func() (nkeys.KeyPair, error)
	// Lifetime of a minted user; [DefaultLifetime] if 0.
	Lifetime time.Duration
}

// ErrConfig is wrapped by the error of a function that starts with a Config that cannot be.
var ErrConfig = errors.New("websessions cannot start")

type websessions struct {
	functions.NoClose
	cfg    Config
	key    nkeys.KeyPair
	public string
	views  *view.Reader
	now    func() time.Time
}

// New returns the function.
func New(cfg Config) functions.Function {
	if cfg.Lifetime == 0 {
		cfg.Lifetime = DefaultLifetime
	}
	return functions.Function{
		Name: "websessions",
		Doc:  "mints short-lived, scoped users for the keys of browsers that are logged in",
		Triggers: []functions.Trigger{
			functions.Request(api.WebXKey, (*websessions).xkey),
			functions.Request(api.MintWeb, (*websessions).mint),
		},
		Access: functions.Access{Reads: []view.Bucket{view.Logins}},
		New:    cfg.open,
	}
}

func (c Config) open(_ context.Context, h functions.Host) (functions.Instance, error) {
	if c.Key == nil {
		return nil, fmt.Errorf("%w: it has no key", ErrConfig)
	}
	key, err := c.Key()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	public, err := key.PublicKey()
	if err != nil || !nkeys.IsValidPublicCurveKey(public) {
		return nil, fmt.Errorf("%w: its key is not a curve key", ErrConfig)
	}
	return &websessions{cfg: c, key: key, public: public, views: h.Views, now: h.Now}, nil
}

func (f *websessions) xkey(context.Context, *functions.Call, api.None) (api.XKey, error) {
	return api.XKey{XKey: f.public}, nil
}

func (f *websessions) mint(ctx context.Context, call *functions.Call, q api.MintRequest) (api.Minted, error) {
	if f.cfg.Site.IsZero() || call.From != f.cfg.Site {
		return api.Minted{}, api.Errorf(api.ErrForbidden, "only the site may have web users minted")
	}
	if !nkeys.IsValidPublicUserKey(q.UserKey) {
		return api.Minted{}, api.Errorf(api.ErrBadRequest, "user_key is no public user key")
	}
	account, signer, err := openKey(f.key, q.WebKey)
	if err != nil {
		return api.Minted{}, fmt.Errorf("%w: %w", api.Errorf(api.ErrGone,
			"the login's web key cannot be used: link the account again with natster login"), err)
	}
	defer signer.Wipe()
	if err := f.bound(ctx, call, q.OAuthID, account); err != nil {
		return api.Minted{}, err
	}
	expires := f.now().Add(f.cfg.Lifetime)
	token, err := mint(account, signer, q.UserKey, expires)
	if err != nil {
		return api.Minted{}, err
	}
	return api.Minted{JWT: token, Account: account, Expires: expires.Unix()}, nil
}

// bound checks with the projection that the login belongs to the account: an old sealed key is worth nothing once its
// login is bound to another account.
func (f *websessions) bound(ctx context.Context, call *functions.Call, oauthID string, a events.Account) error {
	s, err := call.Read(ctx, f.views, view.Logins, view.LoginKey(oauthID))
	if err != nil {
		return err
	}
	for _, d := range s.Found {
		login, ok, err := view.Doc[view.Login](d)
		if err != nil {
			return err
		}
		if ok && login.Doc.OAuthID == oauthID && login.Doc.Account == a {
			return nil
		}
	}
	return api.Errorf(api.ErrNotFound, "the login is not bound to the account")
}

package queries

import (
	"context"
	"log/slog"

	"github.com/nats-io/nkeys"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
)

// Config is what queries has to know of the deployment.
type Config struct {
	// Site is the website's account, which alone may ask for contexts. Without one no account may.
	Site events.Account
	// VaultKey returns the curve key pair to which contexts are sealed. It is called when the function starts.
	// Required. The key is secret, and this function alone has it.
	VaultKey func() (nkeys.KeyPair, error)
	// Reserved is the catalog name that only the hub may use.
	Reserved events.Reservation
}

type queries struct {
	functions.NoClose
	cfg     Config
	vault   nkeys.KeyPair
	views   *view.Reader
	log     *slog.Logger
	payload func() int64 // the largest message
}

// New returns the function.
func New(cfg Config) functions.Function {
	return functions.Function{
		Name: "queries",
		Doc:  "answers what accounts ask about themselves, from the projections",
		Triggers: []functions.Trigger{
			functions.Request(api.Whoami, (*queries).whoami),
			functions.Request(api.MyShares, (*queries).myShares),
			functions.Request(api.Names, (*queries).names),
			functions.Request(api.ValidateName, (*queries).validateName),
			functions.Request(api.GetContext, (*queries).getContext),
		},
		Access: functions.Access{
			Reads: []view.Bucket{view.Accounts, view.Shares, view.Logins, view.Contexts, view.Presence},
		},
		New: func(_ context.Context, h functions.Host) (functions.Instance, error) {
			vault, _, err := functions.CurveKey(cfg.VaultKey)
			return &queries{cfg: cfg, vault: vault, views: h.Views, log: h.Logger, payload: h.Conn.MaxPayload}, err
		},
	}
}

func (f *queries) whoami(ctx context.Context, call *functions.Call, _ api.None) (api.Identity, error) {
	a, ok, err := functions.ReadOne[view.Account](ctx, call, view.Accounts, view.AccountKey(call.From))
	switch {
	case err != nil:
		return api.Identity{}, err
	case !ok:
		return api.Identity{}, api.Errorf(api.ErrNotFound, "this account is not initialized: natster init does that")
	}
	return api.Identity{Account: a.Account, OAuthID: a.OAuthID, Initialized: a.Initialized, Name: a.Name}, nil
}

package queries

import (
	"context"
	"errors"
	"fmt"
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
	// Reserved is the name that is no account's but the hub's.
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
		New: cfg.open,
	}
}

// ErrConfig is wrapped by the error of a function that starts with a Config that cannot be.
var ErrConfig = errors.New("queries cannot start")

func (c Config) open(_ context.Context, h functions.Host) (functions.Instance, error) {
	if c.VaultKey == nil {
		return nil, fmt.Errorf("%w: it has no vault", ErrConfig)
	}
	vault, err := c.VaultKey()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if public, err := vault.PublicKey(); err != nil || !nkeys.IsValidPublicCurveKey(public) {
		return nil, fmt.Errorf("%w: the vault's key is not a curve key", ErrConfig)
	}
	return &queries{cfg: c, vault: vault, views: h.Views, log: h.Logger, payload: h.Conn.MaxPayload}, nil
}

package queries

import (
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
	// Site is the website's account, which alone may ask for contexts. Without one nobody may.
	Site events.Account
	// VaultSeed is the seed ("SX…") of the curve key to which contexts are sealed. Required. It is secret, and this
	// function alone has it.
	VaultSeed []byte
	// Reserved is the name that is no account's but the hub's.
	Reserved events.Reservation
}

type queries struct {
	cfg     Config
	vault   nkeys.KeyPair
	views   *view.Reader
	log     *slog.Logger
	payload func() int64 // the largest message
}

// New returns the function. It runs on one runner; a second instance is a second New.
func New(cfg Config) functions.Function {
	f := &queries{cfg: cfg}
	return functions.Function{
		Name: "queries",
		Doc:  "answers what accounts ask about themselves, from the projections",
		Triggers: []functions.Trigger{
			functions.Request(api.Whoami, f.whoami),
			functions.Request(api.MyShares, f.myShares),
			functions.Request(api.Names, f.names),
			functions.Request(api.ValidateName, f.validateName),
			functions.Request(api.GetContext, f.getContext),
		},
		Access: functions.Access{
			Reads: []view.Bucket{view.Accounts, view.Shares, view.Logins, view.Contexts, view.Presence},
		},
		Open: f.open,
	}
}

// ErrConfig is wrapped by the error of a function that starts with a Config that cannot be.
var ErrConfig = errors.New("queries cannot start")

func (f *queries) open(h functions.Host) error {
	vault, err := nkeys.FromCurveSeed(f.cfg.VaultSeed)
	if err != nil {
		return fmt.Errorf("%w: the vault's seed is no curve seed: %w", ErrConfig, err)
	}
	f.vault, f.views, f.log, f.payload = vault, h.Views, h.Logger, h.Conn.MaxPayload
	return nil
}

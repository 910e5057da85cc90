package otc

import (
	"context"
	"fmt"
	"net/url"

	"github.com/nats-io/nkeys"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
)

// Config is what otc has to know of the deployment.
type Config struct {
	// Site is the website's account, which alone may claim codes. Without one no account may.
	Site events.Account
	// VaultKey returns the public curve key ("X…") to which claimed contexts are sealed. It is called when the function
	// starts. Required.
	VaultKey func() (string, error)
	// ClaimURL is the page on which a person claims a code, for instance https://natster.io/claim; the code is added as
	// the parameter "code". Without it, replies have an empty claim_url.
	ClaimURL string
}

type otc struct {
	functions.NoClose
	host   functions.Host
	site   events.Account
	vault  string      // public curve key
	claims *url.URL    // nil without ClaimURL
	write  *api.Client // to eventwriter
}

// New returns the function.
func New(cfg Config) functions.Function {
	return functions.Function{
		Name: "otc",
		Doc:  "makes one-time codes for accounts and lets the website claim each once",
		Triggers: []functions.Trigger{
			functions.Request(api.GenerateCode, (*otc).generate),
			functions.Request(api.ClaimCode, (*otc).claim),
		},
		Access: functions.Access{
			Writes: []view.Bucket{view.Codes, view.Contexts},
			Calls:  []string{api.PutInternal("*", events.Bound).Subject()},
		},
		New: cfg.open,
	}
}

func (c Config) open(_ context.Context, h functions.Host) (_ functions.Instance, err error) {
	f := &otc{host: h, site: c.Site, write: api.NewClient(h.Conn)}
	if c.VaultKey == nil {
		return nil, fmt.Errorf("%w: it was given no vault", functions.ErrConfig)
	}
	if f.vault, err = c.VaultKey(); err != nil {
		return nil, fmt.Errorf("%w: %w", functions.ErrConfig, err)
	}
	if !nkeys.IsValidPublicCurveKey(f.vault) {
		return nil, fmt.Errorf("%w: the vault's key is not a public curve key", functions.ErrConfig)
	}
	if c.ClaimURL != "" {
		if f.claims, err = url.Parse(c.ClaimURL); err != nil {
			return nil, fmt.Errorf("%w: claim URL: %w", functions.ErrConfig, err)
		}
	}
	return f, nil
}

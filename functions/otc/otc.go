package otc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/functions/view"
	"natster/internal/jet"
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
	// CodesPerAccount is how many codes an account may make within [view.CodeTTL]; 16 if 0. A few more may slip through
	// when they are made at the same instant.
	CodesPerAccount int
}

const defaultCodesPerAccount = 16

type otc struct {
	functions.NoClose
	cfg    Config
	vault  string   // public curve key
	claims *url.URL // nil without ClaimURL

	js    jetstream.JetStream
	views *view.Reader
	read  *jet.Direct
	write *api.Client // to eventwriter
	now   func() time.Time
	log   *slog.Logger
}

// New returns the function.
func New(cfg Config) functions.Function {
	if cfg.CodesPerAccount == 0 {
		cfg.CodesPerAccount = defaultCodesPerAccount
	}
	return functions.Function{
		Name: "otc",
		Doc:  "makes one-time codes for accounts and lets the website claim each once",
		Triggers: []functions.Trigger{
			functions.Request(api.GenerateCode, (*otc).generate),
			functions.Request(api.ClaimCode, (*otc).claim),
		},
		Access: functions.Access{
			Writes:    []view.Bucket{view.Codes, view.Contexts},
			Publishes: []string{api.PutInternal("*", events.Bound).Subject()},
		},
		New: cfg.open,
	}
}

// ErrConfig is wrapped by the error of a function that starts with a Config that cannot be.
var ErrConfig = errors.New("otc cannot start")

func (c Config) open(_ context.Context, h functions.Host) (_ functions.Instance, err error) {
	f := &otc{
		cfg: c, js: h.JS, views: h.Views, read: h.Direct, write: api.NewClient(h.Conn), now: h.Now, log: h.Logger,
	}
	if c.VaultKey == nil {
		return nil, fmt.Errorf("%w: it has no vault", ErrConfig)
	}
	if f.vault, err = c.VaultKey(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if !nkeys.IsValidPublicCurveKey(f.vault) {
		return nil, fmt.Errorf("%w: the vault's key is not a public curve key", ErrConfig)
	}
	if c.ClaimURL != "" {
		if f.claims, err = url.Parse(c.ClaimURL); err != nil {
			return nil, fmt.Errorf("%w: claim URL: %w", ErrConfig, err)
		}
	}
	return f, nil
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

package otc

import (
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
	// Site is the website's account, which alone may claim codes. Without one nobody may.
	Site events.Account
	// VaultPublicXKey is the public curve key ("X…") to which claimed contexts are sealed. Required.
	VaultPublicXKey string
	// ClaimURL is the page on which a person claims a code, for instance https://natster.io/claim; the code is added as
	// the parameter "code". Without it, replies have an empty claim_url.
	ClaimURL string
	// CodesPerAccount is how many codes an account may make within [view.CodeTTL]; 16 if 0. A few more may slip through
	// when they are made at the same instant.
	CodesPerAccount int
}

const defaultCodesPerAccount = 16

type otc struct {
	cfg    Config
	claims *url.URL // nil without ClaimURL

	js    jetstream.JetStream
	views *view.Reader
	read  *jet.Direct
	write *api.Client // to eventwriter
	now   func() time.Time
	log   *slog.Logger
}

// New returns the function. It runs on one runner; a second instance is a second New.
func New(cfg Config) functions.Function {
	if cfg.CodesPerAccount == 0 {
		cfg.CodesPerAccount = defaultCodesPerAccount
	}
	f := &otc{cfg: cfg}
	return functions.Function{
		Name: "otc",
		Doc:  "makes one-time codes for accounts and lets the website claim each once",
		Triggers: []functions.Trigger{
			functions.Request(api.GenerateCode, f.generate),
			functions.Request(api.ClaimCode, f.claim),
		},
		Access: functions.Access{
			Writes:    []view.Bucket{view.Codes, view.Contexts},
			Publishes: []string{api.PutInternal("*", events.Bound).Subject()},
		},
		Open: f.open,
	}
}

// ErrConfig is wrapped by the error of a function that starts with a Config that cannot be.
var ErrConfig = errors.New("otc cannot start")

func (f *otc) open(h functions.Host) error {
	if !nkeys.IsValidPublicCurveKey(f.cfg.VaultPublicXKey) {
		return fmt.Errorf("%w: the vault's key is no public curve key", ErrConfig)
	}
	if f.cfg.ClaimURL != "" {
		u, err := url.Parse(f.cfg.ClaimURL)
		if err != nil {
			return fmt.Errorf("%w: claim URL: %w", ErrConfig, err)
		}
		f.claims = u
	}
	f.js, f.views, f.read, f.write, f.now = h.JS, h.Views, h.Direct, api.NewClient(h.Conn), h.Now
	f.log = h.Logger
	return nil
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

package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
	"natster/events"
)

// surroundings are what the environment says of where to connect, in the variables of the nats command: they count before
// the context in use, but not before one that is asked for.
type surroundings struct {
	says    string // the variables that say so
	options []nats.Option
}

// A natsContext is a context of the nats command, as far as it concerns natster:
//
//	$XDG_CONFIG_HOME/nats/context/NAME.json
//	{"description":"…","url":"nats://127.0.0.1:7422","creds":"/home/a/….creds"}
type natsContext struct {
	Description string `json:"description"`
	URL         string `json:"url"`
	Creds       string `json:"creds"`
	CA          string `json:"ca,omitempty"`
	Cert        string `json:"cert,omitempty"`
	Key         string `json:"key,omitempty"`
	TLSFirst    bool   `json:"tls_first,omitempty"`
	InboxPrefix string `json:"inbox_prefix,omitempty"`
}

// natsContextDir is where the nats command keeps its contexts.
func (e *env) natsContextDir() (string, error) {
	dir, err := e.configDir()
	return filepath.Join(filepath.Dir(dir), "nats", "context"), err
}

// surrounded is the context that the environment describes, if it does. The account is that of the credentials; when it is
// one of a context of ours, that one's catalogs and imports are at hand.
func (e *env) surrounded(s contextStore) (c Context, is bool, err error) {
	var n natsContext
	var says []string
	if name := e.Getenv("NATS_CONTEXT"); name != "" {
		if n, err = e.readNATSContext(name); err != nil {
			return c, true, err
		}
		says = append(says, "NATS_CONTEXT")
	}
	if u := e.Getenv("NATS_URL"); u != "" {
		n.URL, says = u, append(says, "NATS_URL")
	}
	if path := e.Getenv("NATS_CREDS"); path != "" {
		n.Creds, says = path, append(says, "NATS_CREDS")
	}
	if len(says) == 0 {
		return c, false, nil
	}
	c, err = e.contextFor(s, n)
	if err != nil {
		return c, true, fmt.Errorf("%s: %w", strings.Join(says, ", "), err)
	}
	if n.URL != "" {
		c.URL = n.URL
	} else if c.URL == "" {
		c.URL = nats.DefaultURL
	}
	for one := range strings.SplitSeq(c.URL, ",") {
		if u, err := url.Parse(one); err == nil && u.User != nil {
			return c, true, fmt.Errorf("%s: there is a user in the URL; natster acts as the account of a credentials file: NATS_CREDS", list(says))
		}
	}
	c.surroundings = &surroundings{list(says), n.options()}
	if n.CA != "" {
		c.Fingerprint = "" // whom to trust is said
	}
	return c, true, nil
}

// contextFor is the context of ours that n is about, or one made for the account that n has credentials of.
func (e *env) contextFor(s contextStore, n natsContext) (Context, error) {
	if n.Creds == "" {
		return s.get("") // another way to the same
	}
	path, err := e.path(n.Creds)
	if err != nil {
		return Context{}, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return Context{}, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Context{}, fmt.Errorf("the credentials cannot be read: %w", err)
	}
	account, name, err := accountOf(text)
	if err != nil {
		return Context{}, fmt.Errorf("%s: %w", path, err)
	}
	all, _ := s.all() // one that cannot be read is not the one
	for _, c := range all {
		if c.Account == account {
			c.Creds = path
			return c, nil
		}
	}
	return Context{Name: account.String(), Account: account, AccountName: name, Creds: path}, nil
}

// accountOf is whose credentials they are, and what their user is called.
func accountOf(creds accounts.Creds) (a events.Account, user string, err error) {
	var claims *jwt.UserClaims
	token, err := jwt.ParseDecoratedJWT(creds)
	if err == nil {
		claims, err = jwt.DecodeUserClaims(token)
	}
	if err != nil {
		return a, "", errors.New("not a credentials file of NATS")
	}
	issuer := claims.IssuerAccount
	if issuer == "" {
		issuer = claims.Issuer
	}
	a, err = events.ParseAccount(issuer)
	return a, oneLine(claims.Name), err
}

// readNATSContext reads the context of the nats command called name, or the file if it is a path.
func (e *env) readNATSContext(name string) (natsContext, error) {
	var n natsContext
	path, err := e.path(name)
	if err != nil {
		return n, fmt.Errorf("NATS_CONTEXT: %w", err)
	}
	if filepath.Base(path) == path {
		dir, err := e.natsContextDir()
		if err != nil {
			return n, err
		}
		path = filepath.Join(dir, name+".json")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return n, fmt.Errorf("NATS_CONTEXT: no context of the nats command can be read there: %w", err)
	}
	if err := json.Unmarshal(text, &n); err != nil {
		return n, fmt.Errorf("NATS_CONTEXT: %s is no context of the nats command: %w", path, err)
	}
	if n.Creds == "" {
		return n, fmt.Errorf("NATS_CONTEXT: %s has no credentials file, and natster acts as an account", path)
	}
	return n, nil
}

func (n natsContext) options() []nats.Option {
	var all []nats.Option
	if n.CA != "" {
		all = append(all, nats.RootCAs(n.CA))
	}
	if n.Cert != "" && n.Key != "" {
		all = append(all, nats.ClientCert(n.Cert, n.Key))
	}
	if n.TLSFirst {
		all = append(all, nats.TLSHandshakeFirst())
	}
	if n.InboxPrefix != "" {
		all = append(all, nats.CustomInboxPrefix(n.InboxPrefix))
	}
	return all
}

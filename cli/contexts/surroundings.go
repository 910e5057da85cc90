package contexts

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"

	"natster/cli/term"
	"natster/deploy/accounts"
	"natster/events"
)

// surroundings is what the variables of the nats command say about where to connect. They come before the context in
// use, and after a context that was asked for.
type surroundings struct {
	says    string // the variables that say so
	options []nats.Option
}

// A NATSContext is a context of the nats command, with the fields that natster uses:
//
//	$XDG_CONFIG_HOME/nats/context/NAME.json
//	{"description":"…","url":"nats://127.0.0.1:7422","creds":"/home/a/….creds"}
type NATSContext struct {
	Description string `json:"description"`
	URL         string `json:"url"`
	Creds       string `json:"creds"`
	CA          string `json:"ca,omitempty"`
	Cert        string `json:"cert,omitempty"`
	Key         string `json:"key,omitempty"`
	TLSFirst    bool   `json:"tls_first,omitempty"`
	InboxPrefix string `json:"inbox_prefix,omitempty"`
}

// NATSContexts returns where the nats command keeps its contexts.
func (d Dirs) NATSContexts() (string, error) {
	dir, err := d.Config()
	return filepath.Join(filepath.Dir(dir), "nats", "context"), err
}

// surrounded returns the context that the environment describes. Its account is that of the credentials. If natster has
// a context for that account, its catalogs and imports are used.
func (s *Store) surrounded() (c Context, err error) {
	var n NATSContext
	var says []string
	if name := s.dirs.Getenv("NATS_CONTEXT"); name != "" {
		if n, err = s.readNATSContext(name); err != nil {
			return c, err
		}
		says = append(says, "NATS_CONTEXT")
	}
	if u := s.dirs.Getenv("NATS_URL"); u != "" {
		n.URL, says = u, append(says, "NATS_URL")
	}
	if path := s.dirs.Getenv("NATS_CREDS"); path != "" {
		n.Creds, says = path, append(says, "NATS_CREDS")
	}
	c, err = s.contextFor(n)
	if err != nil {
		return c, fmt.Errorf("%s: %w", strings.Join(says, ", "), err)
	}
	c.URL = cmp.Or(n.URL, c.URL, nats.DefaultURL)
	for one := range strings.SplitSeq(c.URL, ",") {
		if u, err := url.Parse(one); err == nil && u.User != nil {
			const text = "%s: there is a user in the URL; natster acts as the account of a credentials file: NATS_CREDS"
			return c, fmt.Errorf(text, term.List(says))
		}
	}
	c.surroundings = &surroundings{term.List(says), n.options()}
	if n.CA != "" {
		c.Fingerprint = "" // n says which certificates to trust
	}
	return c, nil
}

// contextFor returns natster's context for the account of n's credentials, or a new one if there is none.
func (s *Store) contextFor(n NATSContext) (Context, error) {
	if n.Creds == "" {
		return s.Get("") // only its server is another
	}
	path, err := s.dirs.Path(n.Creds)
	if err != nil {
		return Context{}, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return Context{}, err
	}
	text, err := s.readFile(path)
	if err != nil {
		return Context{}, fmt.Errorf("the credentials cannot be read: %w", err)
	}
	account, name, err := accountOf(text)
	if err != nil {
		return Context{}, fmt.Errorf("%s: %w", path, err)
	}
	all, _ := s.All() // a context that cannot be read has no account
	for _, c := range all {
		if c.Account == account {
			c.Creds = path
			return c, nil
		}
	}
	return Context{Name: account.String(), Account: account, AccountName: name, Creds: path}, nil
}

// accountOf returns the account that credentials are for, and the name of their user.
func accountOf(creds accounts.Creds) (a events.Account, user string, err error) {
	var claims *jwt.UserClaims
	token, err := jwt.ParseDecoratedJWT(creds)
	if err == nil {
		claims, err = jwt.DecodeUserClaims(token)
	}
	if err != nil {
		return a, "", errors.New("not a credentials file of NATS")
	}
	a, err = events.ParseAccount(cmp.Or(claims.IssuerAccount, claims.Issuer))
	return a, term.OneLine(claims.Name), err
}

// readNATSContext reads the context of the nats command called name, or the file if name is a path.
func (s *Store) readNATSContext(name string) (NATSContext, error) {
	var n NATSContext
	path, err := s.dirs.Path(name)
	if err != nil {
		return n, fmt.Errorf("NATS_CONTEXT: %w", err)
	}
	if filepath.Base(path) == path {
		dir, err := s.dirs.NATSContexts()
		if err != nil {
			return n, err
		}
		path = filepath.Join(dir, name+".json")
	}
	text, err := s.readFile(path)
	if err != nil {
		return n, fmt.Errorf("NATS_CONTEXT: no context of the nats command can be read there: %w", err)
	}
	if err := json.Unmarshal(text, &n); err != nil {
		return n, fmt.Errorf("NATS_CONTEXT: %s is not a context of the nats command: %w", path, err)
	}
	if n.Creds == "" {
		return n, fmt.Errorf("NATS_CONTEXT: %s has no credentials file, and natster acts as an account", path)
	}
	return n, nil
}

func (n NATSContext) options() []nats.Option {
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

package contexts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"natster/cli/hint"
	"natster/cli/term"
	"natster/deploy/accounts"
	"natster/deploy/world"
	"natster/events"
)

// A Context says as whom natster acts, and where: one account in one world. Its file has no secrets; the credentials
// are in a file of their own.
//
//	{"name":"alice","account":"AAL…","account_name":"alice","url":"nats://127.0.0.1:7422",
//	 "world":"/home/a/.local/share/natster/world","creds":"alice.creds"}
type Context struct {
	Name        string         `json:"name"`
	Account     events.Account `json:"account"`
	AccountName string         `json:"account_name"`
	URL         string         `json:"url"`
	Fingerprint string         `json:"fingerprint,omitempty"` // of the world's certificate, when it made its own
	World       string         `json:"world,omitempty"`       // the world's directory, when it is on this machine
	Creds       string         `json:"creds"`                 // path, from the context's own directory if not absolute

	*surroundings // nil unless the environment says where to connect
}

// ErrFile is wrapped by every error about a file that is not a valid context.
var ErrFile = errors.New("not a context file")

// ErrNone means that there is no context yet.
var ErrNone = hint.Add(errors.New("no account yet: make one, or join one"), "init alice")

const maxFile = 64 << 10 // bytes

// Parse parses a context file. Its error wraps [ErrFile] and says what is wrong.
func Parse(text []byte) (Context, error) {
	var c Context
	if len(text) > maxFile {
		return c, fmt.Errorf("%w: it is %d bytes long", ErrFile, len(text))
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return Context{}, fmt.Errorf("%w: %w", ErrFile, err)
	}
	if err := c.check(); err != nil {
		return Context{}, err
	}
	return c, nil
}

// check returns what is wrong with c, wrapping [ErrFile].
func (c Context) check() error {
	u, err := url.Parse(c.URL)
	var wrong string
	switch {
	case CheckName(c.Name) != nil:
		wrong = "its name is " + term.Quoted(c.Name)
	case c.Account.IsZero():
		wrong = "it has no account"
	case err != nil || u.Host == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme):
		wrong = "its url is not that of a NATS server"
	case u.User != nil:
		wrong = "its url has a user in it; credentials belong in the creds file"
	case c.Creds == "" || strings.ContainsRune(c.Creds, 0):
		wrong = "it names no creds file"
	case c.World != "" && !filepath.IsAbs(c.World):
		wrong = "its world is not an absolute path"
	case strings.ContainsFunc(c.AccountName, func(r rune) bool { return r < ' ' || r == 0x7f }):
		wrong = "its account_name has control characters in it"
	default:
		return nil
	}
	return fmt.Errorf("%w: %s", ErrFile, wrong)
}

// CheckName returns an error if name cannot be the name of a context.
func CheckName(name string) error {
	if !events.IsAccountName(name) || name == WorldName {
		return fmt.Errorf("%s: not a name for a context (1 to 64 letters, digits, '.', '-' and '_'; %q is reserved)",
			term.Quoted(name), WorldName)
	}
	return nil
}

// Keeper returns what changes the account of c: its imports and its web sessions. There is one only on the machine with
// the world.
func (c Context) Keeper() (*accounts.Operator, error) {
	if c.World == "" {
		const text = "context %s has no world on this machine, and its account can be changed only there"
		return nil, fmt.Errorf(text, c.Name)
	}
	return world.OpenKeeper(c.World)
}

// Imports returns the catalogs that the account of c has imported, by the names that they have here. Without a world on
// this machine there are none.
func (c Context) Imports(ctx context.Context) ([]accounts.Import, error) {
	if c.World == "" {
		return nil, nil
	}
	keeper, err := c.Keeper()
	if err != nil {
		return nil, err
	}
	return keeper.Imports(ctx, c.Account)
}

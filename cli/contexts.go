package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"natster/deploy/accounts"
	"natster/events"
)

// A Context is who natster acts as, and where: one account in one world. It is a file without secrets; the credentials
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

	*surroundings // or nil: what the environment says beyond
}

// ErrContextFile is wrapped by every error about a file that is no context.
var ErrContextFile = errors.New("not a context file")

// errNoContext means that natster was never introduced to anybody.
var errNoContext = hint(errors.New("no account yet: make one, or join one"), "init alice")

const maxContextFile = 64 << 10

// nameForm is what contexts and contacts can be called: as accounts, because usually they are called like one.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// ParseContext reads a context file. It fails with [ErrContextFile] and what is wrong.
func ParseContext(text []byte) (Context, error) {
	var c Context
	if len(text) > maxContextFile {
		return c, fmt.Errorf("%w: it is %d bytes long", ErrContextFile, len(text))
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return Context{}, fmt.Errorf("%w: %w", ErrContextFile, err)
	}
	if why := c.wrong(); why != "" {
		return Context{}, fmt.Errorf("%w: %s", ErrContextFile, why)
	}
	return c, nil
}

func (c Context) wrong() string {
	u, err := url.Parse(c.URL)
	switch {
	case checkContextName(c.Name) != nil:
		return "its name is " + quoted(c.Name)
	case c.Account.IsZero():
		return "it has no account"
	case err != nil || u.Host == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme):
		return "its url is not one of a NATS server"
	case u.User != nil:
		return "its url has a user in it; credentials belong into the creds file"
	case c.Creds == "" || strings.ContainsRune(c.Creds, 0):
		return "it names no creds file"
	case c.World != "" && !filepath.IsAbs(c.World):
		return "its world is not an absolute path"
	case strings.ContainsFunc(c.AccountName, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "its account_name has control characters in it"
	}
	return ""
}

func checkContextName(name string) error {
	if !nameForm.MatchString(name) || name == worldName {
		return fmt.Errorf("%s: not a name for a context (1 to 64 letters, digits, '.', '-' and '_'; %q is reserved)", quoted(name), worldName)
	}
	return nil
}

// A contextStore is the directory of all contexts:
//
//	contexts/NAME.json   a context
//	contexts/NAME.creds  its credentials
//	current              the name of the one in use
type contextStore struct{ dir string }

func (e *env) contexts() (contextStore, error) {
	dir, err := e.configDir()
	return contextStore{dir}, err
}

func (s contextStore) path(name string) string { return filepath.Join(s.dir, "contexts", name+".json") }

// all lists the contexts by name. A file that is none of ours is reported, beside the others.
func (s contextStore) all() ([]Context, error) {
	files, err := filepath.Glob(filepath.Join(s.dir, "contexts", "*.json"))
	if err != nil {
		return nil, err
	}
	var all []Context
	var bad []error
	for _, f := range files {
		c, err := readContext(f)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b Context) int { return cmp.Compare(a.Name, b.Name) })
	return all, errors.Join(bad...)
}

// get returns the context called name, or for an empty name the one in use.
func (s contextStore) get(name string) (Context, error) {
	if name == "" {
		var err error
		if name, err = s.current(); err != nil {
			return Context{}, err
		}
	}
	if err := checkContextName(name); err != nil {
		return Context{}, hint(err, "context ls")
	}
	c, err := readContext(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return c, s.unknown(name)
	}
	return c, err
}

func (s contextStore) unknown(name string) error {
	all, _ := s.all() // a bad file has no name to suggest
	if len(all) == 0 {
		return errNoContext
	}
	var names []string
	for _, c := range all {
		names = append(names, c.Name)
	}
	if near := closest(name, names); near != "" {
		return hint(fmt.Errorf("no context is called %s; did you mean %s?", quoted(name), near), "context use %s", near)
	}
	return hint(fmt.Errorf("no context is called %s", quoted(name)), "context ls")
}

func readContext(path string) (Context, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Context{}, err
	}
	c, err := ParseContext(text)
	if err == nil && c.Name+".json" != filepath.Base(path) {
		err = fmt.Errorf("%w: its name is %q", ErrContextFile, c.Name)
	}
	if err != nil {
		return Context{}, hint(fmt.Errorf("%s: %w", path, err), "init NAME")
	}
	return c, nil
}

// current is the name of the context in use.
func (s contextStore) current() (string, error) {
	text, err := os.ReadFile(filepath.Join(s.dir, "current"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", errNoContext
	case err != nil:
		return "", err
	}
	return strings.TrimSpace(string(text)), nil
}

func (s contextStore) use(name string) error {
	return writePrivate(filepath.Join(s.dir, "current"), []byte(name+"\n"))
}

// put stores c and its credentials, and sets c.Creds.
func (s contextStore) put(c Context, creds accounts.Creds) error {
	c.Creds = c.Name + ".creds"
	if why := c.wrong(); why != "" {
		return fmt.Errorf("%w: %s", ErrContextFile, why)
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := writePrivate(filepath.Join(s.dir, "contexts", c.Creds), creds); err != nil {
		return err
	}
	return writePrivate(s.path(c.Name), append(text, '\n'))
}

// credsFile is where the credentials of c are.
func (s contextStore) credsFile(c Context) string {
	if filepath.IsAbs(c.Creds) {
		return c.Creds
	}
	return filepath.Join(s.dir, "contexts", c.Creds)
}

// creds reads the credentials of c. Errors name the file, never what is in it.
func (s contextStore) creds(c Context) (accounts.Creds, error) {
	text, err := os.ReadFile(s.credsFile(c))
	if err != nil {
		return nil, hint(fmt.Errorf("the credentials of context %s cannot be read: %w", c.Name, err), "init %s", c.Name)
	}
	return text, nil
}

package contexts

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"natster/cli/hint"
	"natster/cli/term"
	"natster/deploy/accounts"
)

// A Store is the directory of all contexts and contacts:
//
//	contexts/NAME.json   a context
//	contexts/NAME.creds  its credentials
//	contacts.json        names for account keys
//	current              the name of the context in use
//
// It reads each file once: a command sees what was there when it first looked. It is not safe for concurrent use.
type Store struct {
	dirs Dirs
	dir  string
	read map[string][]byte // what was read, by path
}

// Open returns the contexts in the user's directories.
func Open(dirs Dirs) (*Store, error) {
	dir, err := dirs.Config()
	return &Store{dirs, dir, make(map[string][]byte)}, err
}

// readFile reads a file, once.
func (s *Store) readFile(path string) ([]byte, error) {
	if text, known := s.read[path]; known {
		return text, nil
	}
	text, err := os.ReadFile(path)
	if err == nil {
		s.read[path] = text
	}
	return text, err
}

// writeFile replaces a file.
func (s *Store) writeFile(path string, text []byte) error {
	delete(s.read, path)
	return WritePrivate(path, text)
}

// Path returns where the context called name is kept.
func (s *Store) Path(name string) string { return filepath.Join(s.dir, "contexts", name+".json") }

// All returns the contexts by name. Its error is about the files that are not valid; the others are returned
// nevertheless.
func (s *Store) All() ([]Context, error) {
	files, err := filepath.Glob(filepath.Join(s.dir, "contexts", "*.json"))
	if err != nil {
		return nil, err
	}
	var all []Context
	var bad []error
	for _, f := range files {
		c, err := s.readContext(f)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b Context) int { return cmp.Compare(a.Name, b.Name) })
	return all, errors.Join(bad...)
}

// Names returns the names of the contexts whose files are valid.
func (s *Store) Names() []string {
	all, _ := s.All()
	return hint.Names(all, func(c Context) string { return c.Name })
}

// Get returns the context called name, or for an empty name the one in use.
func (s *Store) Get(name string) (Context, error) {
	if name == "" {
		var err error
		if name, err = s.Current(); err != nil {
			return Context{}, err
		}
	}
	if err := CheckName(name); err != nil {
		return Context{}, hint.Add(err, "context ls")
	}
	c, err := s.readContext(s.Path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return c, s.unknown(name)
	}
	return c, err
}

// Acting returns the context called name; for an empty name the one that the environment describes (see [Dirs.Getenv]),
// or else the one in use.
func (s *Store) Acting(name string) (Context, error) {
	get := s.dirs.Getenv
	if name == "" && cmp.Or(get("NATS_CONTEXT"), get("NATS_URL"), get("NATS_CREDS")) != "" {
		return s.surrounded()
	}
	return s.Get(name)
}

func (s *Store) unknown(name string) error {
	names := s.Names()
	if len(names) == 0 {
		return ErrNone
	}
	err := fmt.Errorf("no context is called %s%s", term.Quoted(name), hint.Meant(name, names))
	if near := hint.Closest(name, names); near != "" {
		return hint.Add(err, "context use %s", near)
	}
	return hint.Add(err, "context ls")
}

func (s *Store) readContext(path string) (Context, error) {
	text, err := s.readFile(path)
	if err != nil {
		return Context{}, err
	}
	c, err := Parse(text)
	if err == nil && c.Name+".json" != filepath.Base(path) {
		err = fmt.Errorf("%w: its name is %q", ErrFile, c.Name)
	}
	if err != nil {
		return Context{}, hint.Add(fmt.Errorf("%s: %w", path, err), "init NAME")
	}
	return c, nil
}

// Current returns the name of the context in use, or [ErrNone].
func (s *Store) Current() (string, error) {
	text, err := s.readFile(filepath.Join(s.dir, "current"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", ErrNone
	case err != nil:
		return "", err
	}
	return strings.TrimSpace(string(text)), nil
}

// Use makes the context called name the one in use.
func (s *Store) Use(name string) error {
	return s.writeFile(filepath.Join(s.dir, "current"), []byte(name+"\n"))
}

// Put writes c and its credentials. What c.Creds says does not matter.
func (s *Store) Put(c Context, creds accounts.Creds) error {
	c.Creds = c.Name + ".creds"
	if err := c.check(); err != nil {
		return err
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := s.writeFile(s.CredsFile(c), creds); err != nil {
		return err
	}
	return s.writeFile(s.Path(c.Name), append(text, '\n'))
}

// CredsFile returns where the credentials of c are.
func (s *Store) CredsFile(c Context) string {
	if filepath.IsAbs(c.Creds) {
		return c.Creds
	}
	return filepath.Join(s.dir, "contexts", c.Creds)
}

// Creds reads the credentials of c. Its errors name the file, never what is in it.
func (s *Store) Creds(c Context) (accounts.Creds, error) {
	text, err := s.readFile(s.CredsFile(c))
	if err != nil {
		return nil, hint.Add(fmt.Errorf("the credentials of context %s cannot be read: %w", c.Name, err), "init %s",
			c.Name)
	}
	return text, nil
}

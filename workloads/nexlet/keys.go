package nexlet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"natster/internal/private"
)

// EnvCreds is the variable of a sealed environment that has the content of a credentials file, in place of the nexlet's
// own.
const EnvCreds = "NATSTER_CREDS"

// ErrNoKey is wrapped by errors about credentials that the nexlet does not have, or does not use because others can
// read them.
var ErrNoKey = errors.New("no credentials")

// A KeyDir is a directory of the nexlet's credentials files: `<function>.creds`, each of a function's own user, and
// `catalogs/<account>.creds`. They must be private.
type KeyDir string

// creds returns the content of the credentials file that the workload runs under.
func (w *workload) creds() ([]byte, error) {
	if sealed := w.env[EnvCreds]; sealed != "" {
		return []byte(sealed), nil
	}
	if c := w.start.Catalog; c != nil {
		return w.n.cfg.Keys.read(filepath.Join("catalogs", c.Account()+".creds"), "account "+c.Account())
	}
	return w.n.cfg.Keys.read(w.start.Function+".creds", "function "+w.start.Function)
}

// read reads a file in the directory. It does not follow a link that leads out of it.
func (d KeyDir) read(name, whose string) ([]byte, error) {
	if d == "" {
		return nil, fmt.Errorf("%w for %s: the nexlet has no directory of credentials (NATSTER_CREDS_DIR)",
			ErrNoKey, whose)
	}
	path := filepath.Join(string(d), name)
	var info fs.FileInfo
	root, err := os.OpenRoot(string(d))
	if err == nil {
		defer func() { _ = root.Close() }() // it is only read
		info, err = root.Stat(name)
	}
	var text []byte
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("there is no %s (make it with: natster admin creds %s)", path, d)
	case err == nil && private.Exposed(info):
		err = fmt.Errorf("others can read %s (chmod 600 it)", path)
	case err == nil:
		text, err = root.ReadFile(name)
	}
	if err != nil {
		return nil, fmt.Errorf("%w for %s: %w", ErrNoKey, whose, err)
	}
	return text, nil
}

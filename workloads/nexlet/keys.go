package nexlet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Keys are the credentials that the nexlet runs functions and catalogs with.
type Keys interface {
	// Function returns the credentials file of a function's own user.
	Function(name string) ([]byte, error)
	// Catalog returns the credentials file of the account called as.
	Catalog(as string) ([]byte, error)
}

// ErrNoKey is wrapped by errors about credentials that the nexlet does not have, or does not use because others can
// read them.
var ErrNoKey = errors.New("no credentials")

// A KeyDir is a directory of credentials files, `<function>.creds` and `catalogs/<account>.creds`. Only their owner may
// be able to read them.
type KeyDir string

// Function implements [Keys].
func (d KeyDir) Function(name string) ([]byte, error) {
	return d.read(name+".creds", "function "+name)
}

// Catalog implements [Keys].
func (d KeyDir) Catalog(as string) ([]byte, error) {
	return d.read(filepath.Join("catalogs", as+".creds"), "account "+as)
}

// read reads a file in the directory. It does not follow a link that leads out of it.
func (d KeyDir) read(name, whose string) ([]byte, error) {
	if d == "" {
		return nil, fmt.Errorf("%w for %s: the nexlet has no directory of credentials (NATSTER_CREDS_DIR)",
			ErrNoKey, whose)
	}
	path := filepath.Join(string(d), name)
	missing := fmt.Errorf("%w for %s: there is no %s (make it with: natster admin creds %s)", ErrNoKey, whose, path, d)
	root, err := os.OpenRoot(string(d))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, missing
	case err != nil:
		return nil, fmt.Errorf("%w for %s: %w", ErrNoKey, whose, err)
	}
	defer func() { _ = root.Close() }() // it was only read
	info, err := root.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, missing
	case err != nil:
		return nil, fmt.Errorf("%w for %s: %w", ErrNoKey, whose, err)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%w for %s: others can read %s (chmod 600 it)", ErrNoKey, whose, path)
	}
	text, err := root.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("%w for %s: %w", ErrNoKey, whose, err)
	}
	return text, nil
}

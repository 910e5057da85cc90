package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"natster/internal/private"
)

// configDir is where contexts and contacts are kept: $XDG_CONFIG_HOME/natster, or ~/.config/natster.
func (e *env) configDir() (string, error) { return e.userDir("XDG_CONFIG_HOME", ".config") }

// dataDir is where catalog files and the world are kept: $XDG_DATA_HOME/natster, or ~/.local/share/natster.
func (e *env) dataDir() (string, error) { return e.userDir("XDG_DATA_HOME", ".local/share") }

// cacheDir is where things are kept that can be made anew: $XDG_CACHE_HOME/natster, or ~/.cache/natster.
func (e *env) cacheDir() (string, error) { return e.userDir("XDG_CACHE_HOME", ".cache") }

func (e *env) userDir(variable, below string) (string, error) {
	if d := e.Getenv(variable); filepath.IsAbs(d) { // the specification says to ignore any other
		return filepath.Join(d, "natster"), nil
	}
	home := e.Getenv("HOME")
	if home == "" {
		return "", fmt.Errorf("no directory to keep things in: neither %s nor HOME is set", variable)
	}
	return filepath.Join(home, below, "natster"), nil
}

// worldName is the directory of the local world among those of the contexts, and so no name for a context.
const worldName = "world"

// worldDir is the directory of the local world: what a flag says, or NATSTER_WORLD, or the usual one.
func (e *env) worldDir(flag string) (string, error) {
	dir, err := e.firstPath(flag, e.Getenv("NATSTER_WORLD"))
	switch {
	case err != nil:
		return "", fmt.Errorf("NATSTER_WORLD: %w", err)
	case dir != "":
		return filepath.Abs(dir)
	}
	data, err := e.dataDir()
	return filepath.Join(data, worldName), err
}

// writePrivate replaces a file at once, for its owner's eyes only, and makes its directory if need be.
func writePrivate(path string, text []byte) error {
	if err := private.Mkdir(filepath.Dir(path)); err != nil {
		return err
	}
	return private.WriteFile(path, text)
}

// locked runs f while no other process changes what is in dir.
func locked(ctx context.Context, dir string, f func() error) error {
	if err := private.Mkdir(dir); err != nil {
		return err
	}
	lock := flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(private.FileMode))
	const poll = 2 * time.Millisecond // an edit takes about as long
	if _, err := lock.TryLockContext(ctx, poll); err != nil {
		return fmt.Errorf("wait for %s: %w", lock.Path(), err)
	}
	defer func() { _ = lock.Close() }() // closing is what unlocks; nothing can be done if that fails
	return f()
}

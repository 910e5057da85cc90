package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"
)

const (
	dirMode  = 0o700
	fileMode = 0o600
)

// configDir is where contexts and contacts are kept: $XDG_CONFIG_HOME/natster, or ~/.config/natster.
func (e *env) configDir() (string, error) { return e.userDir("XDG_CONFIG_HOME", ".config") }

// dataDir is where catalog files and the world are kept: $XDG_DATA_HOME/natster, or ~/.local/share/natster.
func (e *env) dataDir() (string, error) { return e.userDir("XDG_DATA_HOME", ".local/share") }

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
	for _, d := range []string{flag, e.Getenv("NATSTER_WORLD")} {
		if d != "" {
			return filepath.Abs(d)
		}
	}
	data, err := e.dataDir()
	return filepath.Join(data, worldName), err
}

// writePrivate replaces a file at once, for its owner's eyes only, and makes its directory if need be.
func writePrivate(path string, text []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return err
	}
	return renameio.WriteFile(path, text, fileMode, renameio.WithStaticPermissions(fileMode), renameio.WithTempDir(dir))
}

// locked runs f while no other process changes what is in dir.
func locked(ctx context.Context, dir string, f func() error) error {
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return err
	}
	lock := flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(fileMode))
	const poll = 2_000_000 // nanoseconds; an edit takes about as long
	if _, err := lock.TryLockContext(ctx, poll); err != nil {
		return fmt.Errorf("wait for %s: %w", lock.Path(), err)
	}
	defer func() { _ = lock.Close() }() // closing is what unlocks; nothing can be done if that fails
	return f()
}

package world

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"natster/deploy/private"

	"github.com/nats-io/nkeys"
)

// vaultKey is the key pair to whose public half claimed contexts are sealed, made once. Only the function that opens
// contexts is to have the pair.
func vaultKey(dir string) (nkeys.KeyPair, error) {
	path := filepath.Join(dir, "vault.seed")
	seed, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		fresh, err := nkeys.CreateCurveKeys()
		if err != nil {
			return nil, fmt.Errorf("world: vault key: %w", err)
		}
		if seed, err = fresh.Seed(); err != nil {
			return nil, fmt.Errorf("world: vault key: %w", err)
		}
		if err := private.WriteFile(path, seed); err != nil {
			return nil, fmt.Errorf("world: vault key: %w", err)
		}
		return fresh, nil
	}
	if err != nil {
		return nil, fmt.Errorf("world: vault key: %w", err)
	}
	pair, err := nkeys.FromCurveSeed(seed)
	if err != nil {
		return nil, fmt.Errorf("world: %s is damaged: restore it from a backup: %w", path, err)
	}
	return pair, nil
}

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

// The files of the world's curve keys. Each pair is for one function only: the others seal to its public half.
const (
	vaultSeed = "vault.seed" // claimed contexts; queries opens them
	webSeed   = "web.seed"   // the accounts' web keys; websessions opens them
)

// curveKey is the key pair whose seed is in the file called name, made once.
func curveKey(dir, name string) (nkeys.KeyPair, error) {
	path := filepath.Join(dir, name)
	seed, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		fresh, err := nkeys.CreateCurveKeys()
		if err != nil {
			return nil, fmt.Errorf("world: %s: %w", name, err)
		}
		if seed, err = fresh.Seed(); err != nil {
			return nil, fmt.Errorf("world: %s: %w", name, err)
		}
		if err := private.WriteFile(path, seed); err != nil {
			return nil, fmt.Errorf("world: %s: %w", name, err)
		}
		return fresh, nil
	}
	if err != nil {
		return nil, fmt.Errorf("world: %s: %w", name, err)
	}
	pair, err := nkeys.FromCurveSeed(seed)
	if err != nil {
		return nil, fmt.Errorf("world: %s is damaged: restore it from a backup: %w", path, err)
	}
	return pair, nil
}

package world

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nkeys"

	"natster/internal/private"
)

// The files of the world's curve keys. Each pair is for one function only: the others seal to its public half.
const (
	vaultSeed = "vault.seed" // claimed contexts; queries opens them
	webSeed   = "web.seed"   // the accounts' web keys; websessions opens them
)

// CheckSeeds tells whether the world's curve keys are those that it had at its last start: what was sealed to a key opens
// with no other. It keeps their public halves beside them, in files called *.pub; where there is none there was no start yet.
func CheckSeeds(dir string) error {
	for _, key := range []struct{ name, gone string }{
		{vaultSeed, "the contexts that web logins are bound to"}, {webSeed, "the accounts' web keys"},
	} {
		path := filepath.Join(dir, key.name)
		pub := strings.TrimSuffix(path, ".seed") + ".pub"
		want, err := os.ReadFile(pub)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("world: %w", err)
		}
		known := nkeys.IsValidPublicCurveKey(string(want))
		refuse := func(what string) error {
			return fmt.Errorf("%s: %w", path, &SeedError{What: what, Opens: key.gone, Public: pub, Seed: path})
		}
		if _, err := os.Stat(path); known && errors.Is(err, fs.ErrNotExist) {
			return refuse("is missing")
		}
		pair, err := curveKey(dir, key.name)
		if errors.Is(err, private.ErrKey) {
			return refuse("is damaged")
		}
		if err != nil {
			return err
		}
		have, err := pair.PublicKey()
		switch {
		case err != nil:
			return fmt.Errorf("world: %s: %w", key.name, err)
		case have == string(want):
		case known:
			return refuse("is another world's, or of another time")
		default:
			if err := private.WriteFile(pub, []byte(have)); err != nil {
				return fmt.Errorf("world: %w", err)
			}
		}
	}
	return nil
}

// A SeedError says that one of the world's curve keys is not what it was. Nothing was changed.
type SeedError struct {
	What         string // is wrong with it
	Opens        string // what only it opens
	Seed, Public string // the files of its halves
}

// Error says which key, and what to do.
func (e *SeedError) Error() string {
	return fmt.Sprintf("the key %s, and nothing else opens %s: restore it from a backup (if it is lost for good: rm -f %s %s, "+
		"and people link their web logins again); nothing was changed", e.What, e.Opens, e.Seed, e.Public)
}

// makeKeys makes the world's curve keys where they are missing.
func makeKeys(dir string) error {
	_, vault := curveKey(dir, vaultSeed)
	_, web := curveKey(dir, webSeed)
	return errors.Join(vault, web)
}

// curveKey returns the key pair whose seed is in the file called name. It is made once.
func curveKey(dir, name string) (nkeys.KeyPair, error) { return keyBy(private.CurveKey, dir, name) }

// readCurveKey returns the key pair whose seed is in the file called name, and never makes one.
func readCurveKey(dir, name string) (nkeys.KeyPair, error) {
	return keyBy(private.ReadCurveKey, dir, name)
}

func keyBy(get func(path string) (nkeys.KeyPair, error), dir, name string) (nkeys.KeyPair, error) {
	pair, err := get(filepath.Join(dir, name))
	switch {
	case errors.Is(err, private.ErrKey):
		return nil, fmt.Errorf("world: a key is damaged, restore it from a backup: %w", err)
	case err != nil:
		return nil, fmt.Errorf("world: %s: %w", name, err)
	}
	return pair, nil
}

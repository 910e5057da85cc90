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

// CheckSeeds returns a [SeedError] unless the world's curve keys are those of its last start: what was sealed to a key
// opens with no other. It keeps their public halves beside them, in files called *.pub. Where there is none, as at the
// first start, it writes it, and makes the key if there is none either.
func CheckSeeds(dir string) error {
	for _, key := range []struct{ name, opens string }{
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
			return fmt.Errorf("%s: %w", path, &SeedError{What: what, Opens: key.opens, Public: pub, Seed: path})
		}
		if _, err := os.Stat(path); known && errors.Is(err, fs.ErrNotExist) {
			return refuse("is missing")
		}
		pair, err := curveKey(private.CurveKey, dir, key.name)
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

// A SeedError is the error about one of the world's curve keys that is not what it was.
type SeedError struct {
	What         string // is wrong with it
	Opens        string // what only it opens
	Seed, Public string // the files of its halves
}

// Error says what is wrong with the key, and what to do.
func (e *SeedError) Error() string {
	return fmt.Sprintf("the key %s, and nothing else opens %s: restore it from a backup (if it is lost for good: "+
		"rm -f %s %s, and people link their web logins again); nothing was changed",
		e.What, e.Opens, e.Seed, e.Public)
}

// curveKey returns the key pair whose seed is in the file called name, as get does: [private.CurveKey] makes it if
// there is none, [private.ReadCurveKey] does not.
func curveKey(get func(path string) (nkeys.KeyPair, error), dir, name string) (nkeys.KeyPair, error) {
	pair, err := get(filepath.Join(dir, name))
	switch {
	case errors.Is(err, private.ErrKey):
		return nil, fmt.Errorf("world: a key is damaged, restore it from a backup: %w", err)
	case err != nil:
		return nil, fmt.Errorf("world: %s: %w", name, err)
	}
	return pair, nil
}

package private

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/nats-io/nkeys"
)

// ErrKey is wrapped by [CurveKey] when the file holds something else than a key's seed.
var ErrKey = errors.New("not the seed of a curve key")

// CurveKey returns the curve key (xkey) whose seed the file at path holds. If there is no such file, it makes the key
// and writes the file. The error wraps [ErrKey] if the file holds something else.
func CurveKey(path string) (nkeys.KeyPair, error) {
	seed, err := os.ReadFile(path)
	if err == nil {
		key, err := nkeys.FromCurveSeed(seed)
		if err != nil {
			return nil, fmt.Errorf("%s: %w: %w", path, ErrKey, err)
		}
		return key, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := nkeys.CreateCurveKeys()
	if err != nil {
		return nil, err
	}
	if seed, err = key.Seed(); err != nil {
		return nil, err
	}
	return key, WriteFile(path, seed)
}

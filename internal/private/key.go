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

// ReadCurveKey returns the curve key (xkey) whose seed the file at path holds.
func ReadCurveKey(path string) (nkeys.KeyPair, error) {
	seed, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := nkeys.FromCurveSeed(seed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, ErrKey, err)
	}
	return key, nil
}

// CurveKey is [ReadCurveKey] that makes the key first if there is no such file.
func CurveKey(path string) (nkeys.KeyPair, error) {
	key, err := ReadCurveKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if key, err = nkeys.CreateCurveKeys(); err != nil {
		return nil, err
	}
	seed, err := key.Seed()
	if err != nil {
		return nil, err
	}
	return key, WriteFile(path, seed)
}

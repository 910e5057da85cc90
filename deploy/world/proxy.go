package world

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/nkeys"

	"natster/internal/private"
)

// proxySeed is the file of the key by which the NATS server knows the website, as a proxy: only by it users of web
// sessions are let in. It may be lost: the next start makes another.
const proxySeed = "web-proxy.seed"

// ErrNoProxyKey means that the world was last started by a natster that knew no such key.
var ErrNoProxyKey = errors.New("the world has no key for its website yet: end natster devrun, and start it again")

// ProxyKey returns the website's key in the world's directory dir. It fails with ErrNoProxyKey if there is none.
func ProxyKey(dir string) (nkeys.KeyPair, error) {
	seed, err := os.ReadFile(filepath.Join(dir, proxySeed))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoProxyKey
	}
	if err != nil {
		return nil, fmt.Errorf("world: the website's key: %w", err)
	}
	defer clear(seed)
	pair, err := nkeys.FromSeed(seed)
	if err != nil {
		return nil, fmt.Errorf("world: %s holds no key (remove it, and the next start makes one): %w",
			filepath.Join(dir, proxySeed), err)
	}
	return pair, nil
}

// MakeProxyKey returns the public half of [ProxyKey], for the configuration of the NATS server. It makes the key if
// there is none; the caller has locked the world.
func MakeProxyKey(dir string) (string, error) {
	pair, err := ProxyKey(dir)
	if errors.Is(err, ErrNoProxyKey) {
		pair, err = nkeys.CreateUser()
		if err != nil {
			return "", fmt.Errorf("world: %w", err)
		}
		seed, err := pair.Seed()
		if err != nil {
			return "", fmt.Errorf("world: %w", err)
		}
		if err := private.WriteFile(filepath.Join(dir, proxySeed), seed); err != nil {
			return "", fmt.Errorf("world: %w", err)
		}
	}
	if err != nil {
		return "", err
	}
	return pair.PublicKey()
}

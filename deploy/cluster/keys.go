package cluster

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"natster/internal/private"
)

// Keys are the secrets of a cluster, in a directory of their own.
type Keys struct {
	storage string // of JetStream's files, the same on all servers, since each has everything
	ca      pair
}

// ErrKeyLost is returned when the directory has no key to JetStream's files any more, although servers were given one.
var ErrKeyLost = errors.New("the key that the servers' files are encrypted with is lost: " +
	"each server has it, in jetstream.conf; without it they cannot read the event log")

// The files of the directory; caCert is a server's, too.
const (
	storageKey = "jetstream.key"
	caCert     = "ca.pem"
	caKey      = "ca-key.pem"
)

// The other files of a server.
const (
	storageConf = "jetstream.conf"
	routeCert   = "route-cert.pem"
	routeKey    = "route-key.pem"
)

// OpenKeys reads the keys in dir, and makes those that it never had. It fails with ErrKeyLost rather than to make a
// second key for files that a first one has encrypted.
func OpenKeys(dir string) (*Keys, error) {
	if err := private.Mkdir(dir); err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	read := func(name string) ([]byte, error) {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return b, err
	}
	storage, err1 := read(storageKey)
	cert, err2 := read(caCert)
	key, err3 := read(caKey)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	k := &Keys{string(storage), pair{cert, key}}
	const least = 32 // bytes, far fewer than a key has: a file that was cut off
	switch {
	case len(storage) >= least:
	case len(cert) > 0 || len(storage) > 0:
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, storageKey), ErrKeyLost)
	default:
		k.storage = rand.Text() + rand.Text() // more than 256 bits
		if err := private.WriteFile(filepath.Join(dir, storageKey), []byte(k.storage)); err != nil {
			return nil, fmt.Errorf("cluster: %w", err)
		}
	}
	switch {
	case len(cert) > 0 && len(key) > 0:
		_, _, err := k.ca.parse()
		return k, err
	case len(cert) > 0: // what it signed is good until it expires, but it can sign nothing more
		return nil, fmt.Errorf("%s is lost: move %s away, make all servers' files anew, and start them together",
			filepath.Join(dir, caKey), filepath.Join(dir, caCert))
	}
	ca, err := newAuthority()
	if err != nil {
		return nil, err
	}
	k.ca = ca // its key first: a certificate without one is an error
	if err := private.WriteFile(filepath.Join(dir, caKey), ca.key); err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	if err := private.WriteFile(filepath.Join(dir, caCert), ca.cert); err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	return k, nil
}

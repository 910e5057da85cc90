package world

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"natster/deploy/accounts"
	"natster/deploy/private"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
)

const (
	maxPayload    = 1 << 20          // what Natster's chunk sizes are made for
	writeDeadline = 10 * time.Second // for a client that does not read; longer than a phone's dead spot, shorter than a file
	maxPending    = 64 << 20         // bytes that may wait for one client before it counts as not reading
	tlsTimeout    = 5.0              // seconds, for a handshake from far away
	startPatience = 30 * time.Second // a large event log is read back at start
)

// ErrKeyLost means that there is an event log and no key to it.
var ErrKeyLost = errors.New("the key to the encrypted data is missing: restore jetstream.key from a backup")

// A listening is where a server listens, and with which certificate (nil: none).
type listening struct {
	nats, webSocket address
	tls             *tls.Config
}

// startServer starts a NATS server over the directory dir and returns when it takes connections.
func startServer(ctx context.Context, dir string, op *accounts.Operator, at listening, logger *slog.Logger) (*server.Server, error) {
	key, err := storageKey(dir)
	if err != nil {
		return nil, err
	}
	if err := fillResolver(filepath.Join(dir, "resolver"), op); err != nil {
		return nil, err
	}
	resolver, err := server.NewDirAccResolver(filepath.Join(dir, "resolver"), 0, 0, server.NoDelete)
	if err != nil {
		return nil, fmt.Errorf("world: account resolver: %w", err)
	}
	options := &server.Options{
		ServerName:       "natster",
		Host:             at.nats.host,
		Port:             at.nats.port,
		TLSConfig:        at.tls,
		TLSTimeout:       tlsTimeout,
		TrustedOperators: []*jwt.OperatorClaims{op.Claims()},
		SystemAccount:    op.WellKnown().System.String(),
		AccountResolver:  resolver,
		MaxPayload:       maxPayload,
		MaxPending:       maxPending,
		WriteDeadline:    writeDeadline,
		JetStream:        true,
		StoreDir:         dir, // the server keeps all in <dir>/jetstream
		JetStreamKey:     key,
		JetStreamCipher:  server.AES,
		SyncAlways:       true,
		NoSigs:           true,
		Websocket: server.WebsocketOpts{
			Host:      at.webSocket.host,
			Port:      at.webSocket.port,
			TLSConfig: at.tls,
			NoTLS:     at.tls == nil,
		},
	}
	s, err := server.NewServer(options)
	if err != nil {
		return nil, fmt.Errorf("world: NATS server: %w", err)
	}
	log := &serverLog{to: logger}
	s.SetLoggerV2(log, false, false, false)
	started := make(chan struct{})
	go func() {
		defer close(started)
		s.Start()
	}()
	select {
	case <-started:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if why := log.died(); err == nil && why != "" {
		err = errors.New(why)
	}
	if err == nil && !s.ReadyForConnections(startPatience) {
		err = fmt.Errorf("not ready after %s", startPatience)
	}
	if err != nil {
		<-started
		s.Shutdown()
		s.WaitForShutdown()
		return nil, fmt.Errorf("world: NATS server: %w", err)
	}
	return s, nil
}

// storageKey is the key that JetStream encrypts with, made once.
func storageKey(dir string) (string, error) {
	path := filepath.Join(dir, "jetstream.key")
	key, err := os.ReadFile(path)
	if err == nil {
		return string(key), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("world: the key to the encrypted data: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "jetstream")); err == nil {
		return "", fmt.Errorf("%s: %w", dir, ErrKeyLost)
	}
	fresh := rand.Text() + rand.Text() // 256 bits and a little
	if err := private.WriteFile(path, []byte(fresh)); err != nil {
		return "", fmt.Errorf("world: the key to the encrypted data: %w", err)
	}
	return fresh, nil
}

// fillResolver writes the accounts' JWTs to where the server looks for them: at a first start, and to mend what a crash left
// torn or behind, since the server does not sync them.
func fillResolver(dir string, op *accounts.Operator) error {
	if err := private.Mkdir(dir); err != nil {
		return fmt.Errorf("world: account resolver: %w", err)
	}
	all, err := op.Accounts()
	if err != nil {
		return err
	}
	for _, a := range all {
		path := filepath.Join(dir, a.Account.String()+".jwt")
		if old, err := os.ReadFile(path); err == nil && string(old) == a.JWT {
			continue
		}
		if err := os.WriteFile(path, []byte(a.JWT), private.FileMode); err != nil {
			return fmt.Errorf("world: account resolver: %w", err)
		}
	}
	return nil
}

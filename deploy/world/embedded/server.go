package embedded

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"

	"natster/deploy/accounts"
	"natster/deploy/world"
	"natster/internal/private"
)

const (
	maxPayload    = 1 << 20          // for which Natster's chunk sizes are made
	writeDeadline = 10 * time.Second // for a client that does not read; longer than a phone is without a signal
	maxPending    = 64 << 20         // bytes that may wait for one client before it counts as not reading
	tlsTimeout    = 5.0              // seconds, for a handshake from far away
	webTimeout    = 10 * time.Second // until a connection is a WebSocket
	startTimeout  = 30 * time.Second // the server reads a large event log at its start

	// maxStore is how many bytes JetStream may store in total: no limit, because the world watches the disk itself. The
	// default would be three quarters of the free space at the start, from which the bounds of all streams are taken.
	maxStore = 1 << 50
)

// A listening is where a server listens, and with which TLS certificate (nil: none).
type listening struct {
	nats, webSocket address
	tls             *tls.Config
}

// startServer starts a NATS server on the world's directory and returns when it accepts connections. It calls broken
// when the server could not write; after that the server writes nothing more until it is started again.
func (c Config) startServer(
	ctx context.Context, op *accounts.Operator, at listening, broken func(what string),
) (*server.Server, error) {
	dir := c.Dir
	key, err := storageKey(dir)
	if err != nil {
		return nil, err
	}
	if err := c.repairStore(key, op.WellKnown().Data); err != nil {
		return nil, err
	}
	if err := c.fillResolver(filepath.Join(dir, "resolver"), op); err != nil {
		return nil, err
	}
	resolver, err := server.NewDirAccResolver(filepath.Join(dir, "resolver"), 0, 0, server.NoDelete)
	if err != nil {
		return nil, fmt.Errorf("world: account resolver: %w", err)
	}
	proxy, err := world.MakeProxyKey(dir)
	if err != nil {
		return nil, err
	}
	options := &server.Options{
		ServerName:        "natster",
		Host:              at.nats.host,
		Port:              at.nats.port,
		TLSConfig:         at.tls,
		TLSTimeout:        tlsTimeout,
		TrustedOperators:  []*jwt.OperatorClaims{op.Claims()},
		SystemAccount:     op.WellKnown().System.String(),
		AccountResolver:   resolver,
		MaxPayload:        maxPayload,
		MaxPending:        maxPending,
		WriteDeadline:     writeDeadline,
		JetStream:         true,
		StoreDir:          dir, // in which the server makes the directory jetstream
		JetStreamKey:      key,
		JetStreamCipher:   server.AES,
		JetStreamMaxStore: maxStore,
		SyncAlways:        true,
		NoSigs:            true,
		Websocket: server.WebsocketOpts{
			Host:             at.webSocket.host,
			Port:             at.webSocket.port,
			TLSConfig:        at.tls,
			NoTLS:            at.tls == nil,
			HandshakeTimeout: webTimeout,
		},
		Proxies: &server.ProxiesConfig{Trusted: []*server.ProxyConfig{{Key: proxy}}}, // the website
	}
	// Pages of other sites do not connect: only those of the website that claims codes, if it is not this world's own.
	if u, err := url.Parse(c.ClaimURL); err == nil && u.Host != "" {
		options.Websocket.AllowedOrigins = []string{u.Scheme + "://" + u.Host}
	} else {
		options.Websocket.SameOrigin = true
	}
	s, err := server.NewServer(options)
	if err != nil {
		return nil, fmt.Errorf("world: NATS server: %w", err)
	}
	log := &serverLog{to: c.Logger.With("from", "nats-server"), broken: broken}
	s.SetLoggerV2(log, false, false, false)
	started := make(chan struct{})
	go func() {
		defer close(started)
		defer func() {
			if p := recover(); p != nil {
				log.Fatalf("it panicked over what is in %s: %v", filepath.Join(dir, server.JetStreamStoreDir), p)
			}
		}()
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
	if err == nil && !s.ReadyForConnections(startTimeout) {
		err = fmt.Errorf("not ready after %s", startTimeout)
	}
	if err != nil {
		<-started
		s.Shutdown()
		s.WaitForShutdown()
		return nil, fmt.Errorf("world: NATS server: %w", err)
	}
	return s, nil
}

// fillResolver writes the accounts' JWTs to the directory in which the server looks for them: at the first start, and
// to repair files that a crash left incomplete or old, because the server does not sync them.
func (c Config) fillResolver(dir string, op *accounts.Operator) error {
	if err := private.Mkdir(dir); err != nil {
		return fmt.Errorf("world: account resolver: %w", err)
	}
	all, damaged, err := op.Accounts()
	if err != nil {
		return err
	}
	for _, a := range all {
		path := filepath.Join(dir, a.Account.String()+".jwt")
		if old, err := os.ReadFile(path); err == nil && string(old) == a.JWT {
			continue
		}
		if claims, err := jwt.DecodeAccountClaims(a.JWT); err != nil || claims.Subject != a.Account.String() {
			damaged = append(damaged, op.Damaged(a))
			continue
		}
		if err := os.WriteFile(path, []byte(a.JWT), private.FileMode); err != nil {
			return fmt.Errorf("world: account resolver: %w", err)
		}
	}
	for _, d := range damaged {
		c.notify(d.Error()+": it cannot be changed; everybody else goes on", d.Remedy())
	}
	return nil
}

package world

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
)

// dialTimeout bounds a connection attempt whose context has no deadline.
const dialTimeout = 5 * time.Second

// Connect connects over the network, as any process on this machine can; the caller closes the connection. It
// reconnects without limit. What goes wrong on it later, with a subscription for instance, an ErrorHandler among the
// options hears; without one nobody does.
func (i Info) Connect(ctx context.Context, creds accounts.Creds, options ...nats.Option) (*nats.Conn, error) {
	timeout := dialTimeout
	if deadline, has := ctx.Deadline(); has {
		timeout = max(time.Until(deadline), time.Millisecond)
	}
	all := []nats.Option{
		nats.UserCredentialBytes(creds), nats.MaxReconnects(-1), nats.Timeout(timeout),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), // nats.go's own prints on stderr
	}
	if i.Fingerprint != "" {
		pinned, err := PinnedTLS(i.Fingerprint)
		if err != nil {
			return nil, fmt.Errorf("world: %w", err)
		}
		all = append(all, nats.Secure(pinned))
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("world: connect: %w", err)
	}
	all = append(all, options...)
	for attempt := 1; ; attempt++ {
		nc, err := nats.Connect(i.URL, all...)
		if overtaken(err) && attempt < 5 && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("world: connect: %w", err)
		}
		return nc, nil
	}
}

// overtaken reports whether a connection was not made because a server with very much to do asked for a sign of life
// before it answered, after two seconds: which nats.go takes for an error, with no name.
func overtaken(err error) bool {
	return err != nil && strings.HasSuffix(err.Error(), "expected 'PONG', got 'PING'")
}

// Admin connects to the account that owns JetStream in the running world in dir, with every right in it, and also
// returns the keeper of the world's accounts. The caller closes the connection. It fails as Find does, and with
// [accounts.ErrNotRunning] when no server answers.
func Admin(ctx context.Context, dir string, options ...nats.Option) (*nats.Conn, *accounts.Operator, error) {
	info, err := Find(dir)
	if err != nil {
		return nil, nil, err
	}
	keeper, err := OpenKeeper(dir)
	if err != nil {
		return nil, nil, err
	}
	creds, err := keeper.Admin(ctx)
	if err != nil {
		return nil, nil, err
	}
	nc, err := info.Connect(ctx, creds, options...)
	if errors.Is(err, nats.ErrNoServers) {
		err = errors.Join(accounts.ErrNotRunning, err)
	}
	return nc, keeper, err
}

// What can be wrong with a pinned certificate.
var (
	ErrFingerprint = errors.New("not a certificate fingerprint (64 hexadecimal digits)")
	ErrNotPinned   = errors.New("the server's certificate is not the one that was pinned")
)

// PinnedTLS returns a client's TLS configuration that accepts only the certificate with that fingerprint, as [Info] has
// it, whatever its issuer and its names.
func PinnedTLS(fingerprint string) (*tls.Config, error) {
	want, err := hex.DecodeString(fingerprint)
	if err != nil || len(want) != sha256.Size {
		return nil, ErrFingerprint
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // of chain and name; what VerifyConnection checks is stricter
		VerifyConnection: func(s tls.ConnectionState) error {
			got := sha256.Sum256(s.PeerCertificates[0].Raw)
			if subtle.ConstantTimeCompare(got[:], want) != 1 {
				return ErrNotPinned
			}
			return nil
		},
	}, nil
}

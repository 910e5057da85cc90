package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
	"natster/deploy/world"
)

// connect connects as c's account. A world on this machine is asked where it listens now.
func (c Context) connect(ctx context.Context, creds accounts.Creds) (*nats.Conn, error) {
	at := world.Info{URL: c.URL, Fingerprint: c.Fingerprint}
	var options []nats.Option
	if c.surroundings != nil {
		options = c.options
	} else if c.World != "" {
		info, err := world.Find(c.World)
		if err != nil {
			return nil, err
		}
		at = info
	}
	nc, err := at.Connect(ctx, creds, append(options, nats.Name("natster "+c.Name))...)
	if err != nil && ctx.Err() == nil {
		return nil, c.refused(at.URL, err)
	}
	return nc, err
}

// An unreachable error says that there is no world to talk to, so that what needs none can be done without.
type unreachable struct{ error }

func (u *unreachable) Unwrap() error { return u.error }

// refused says why no connection came about, and what would help, if anything here does.
func (c Context) refused(url string, err error) error {
	here := c.World != "" && c.surroundings == nil // connect asked the world itself
	because := ""
	if c.surroundings != nil {
		because = " (" + c.says + " says so)"
	}
	dns, isDNS := errors.AsType[*net.DNSError](err)
	timeout, isTimeout := errors.AsType[net.Error](err)
	_, badCert := errors.AsType[*tls.CertificateVerificationError](err)
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	_, unknownCA := errors.AsType[x509.UnknownAuthorityError](err)
	switch {
	case errors.Is(err, nats.ErrNoServers) && here:
		return hint(&unreachable{fmt.Errorf("nobody answers at %s: %w", url, accounts.ErrNotRunning)}, "devrun")
	case errors.Is(err, nats.ErrNoServers):
		return &unreachable{fmt.Errorf("nobody answers at %s%s", url, because)}
	case isDNS:
		return &unreachable{fmt.Errorf("no address is known for %s, of %s%s", quoted(dns.Name), url, because)}
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked),
		errors.Is(err, nats.ErrAccountAuthExpired):
		err = fmt.Errorf("the server at %s refuses the credentials of account %s: it may be another world's, or they were taken back%s",
			url, c.AccountName, because)
		if here {
			return hint(err, "init %s", c.AccountName)
		}
		return err
	case errors.Is(err, world.ErrNotPinned):
		err = fmt.Errorf("the server at %s has another certificate than when this account was made", url)
		if here {
			return hint(err, "init %s", c.AccountName)
		}
		return err
	case badCert, notTLS, unknownCA, errors.Is(err, nats.ErrSecureConnRequired), errors.Is(err, nats.ErrSecureConnWanted):
		return fmt.Errorf("the server at %s cannot be trusted%s: %w", url, because, errors.Unwrap(err))
	case isTimeout && timeout.Timeout(), errors.Is(err, nats.ErrTimeout), errors.Is(err, os.ErrDeadlineExceeded):
		return &unreachable{fmt.Errorf("the server at %s does not answer%s", url, because)}
	}
	return fmt.Errorf("%w%s", err, because)
}

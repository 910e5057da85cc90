package contexts

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/nats-io/nats.go"

	"natster/cli/hint"
	"natster/cli/term"
	"natster/deploy/accounts"
	"natster/deploy/world"
)

// Where returns how to reach the world of c, and its hub if that is known. A world on this machine is asked where it
// listens now; it fails as [world.Find] does, unless the environment says where the world is.
func (c Context) Where() (at world.Info, err error) {
	if c.World != "" {
		if at, err = world.Find(c.World); err != nil {
			at = world.Info{}
		}
	}
	if c.World == "" || c.surroundings != nil {
		at.URL, at.Fingerprint, err = c.URL, c.Fingerprint, nil
	}
	return at, err
}

// Connect connects as c's account to the world that Where found, with these options among others. Its error says why
// there is no connection, and what to type next if that helps.
func (c Context) Connect(
	ctx context.Context, at world.Info, creds accounts.Creds, more ...nats.Option,
) (*nats.Conn, error) {
	options := append([]nats.Option{nats.Name("natster " + c.Name)}, more...)
	if c.surroundings != nil {
		options = append(options, c.options...)
	}
	nc, err := at.Connect(ctx, creds, options...)
	if err != nil && ctx.Err() == nil {
		return nil, c.refused(at.URL, err)
	}
	return nc, err
}

// unreachable is an error that says that the world of a context cannot be reached.
type unreachable struct{ error }

func (u *unreachable) Unwrap() error { return u.error }

// IsAbsent reports whether err says that a world is not running or cannot be reached now.
func IsAbsent(err error) bool {
	_, is := errors.AsType[*unreachable](err)
	return is || errors.Is(err, accounts.ErrNotRunning)
}

// refused returns why there is no connection, with what to type next if anything on this machine helps.
func (c Context) refused(url string, err error) error {
	here := c.World != "" && c.surroundings == nil // url is what the world itself says
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
		return hint.Add(fmt.Errorf("nobody answers at %s: %w", url, accounts.ErrNotRunning), "devrun")
	case errors.Is(err, nats.ErrNoServers):
		return &unreachable{fmt.Errorf("nobody answers at %s%s", url, because)}
	case isDNS:
		return &unreachable{fmt.Errorf("no address is known for %s, of %s%s", term.Quoted(dns.Name), url, because)}
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired),
		errors.Is(err, nats.ErrAuthRevoked), errors.Is(err, nats.ErrAccountAuthExpired):
		err = fmt.Errorf("the server at %s refuses the credentials of account %s: it may be another world's, "+
			"or they were taken back%s", url, c.AccountName, because)
	case errors.Is(err, nats.ErrMaxAccountConnectionsExceeded):
		err = fmt.Errorf("account %s has as many connections as it may have at a time: end another program or close "+
			"a page of its, and try again; who runs the world can allow more", c.AccountName)
		if here {
			return hint.Add(err, "admin limits")
		}
		return err
	case errors.Is(err, world.ErrNotPinned):
		err = fmt.Errorf("the server at %s has another certificate than when this account was made", url)
	case badCert, notTLS, unknownCA, errors.Is(err, nats.ErrSecureConnRequired),
		errors.Is(err, nats.ErrSecureConnWanted):
		return fmt.Errorf("the server at %s cannot be trusted%s: %w", url, because, errors.Unwrap(err))
	case isTimeout && timeout.Timeout(), errors.Is(err, nats.ErrTimeout), errors.Is(err, os.ErrDeadlineExceeded):
		return &unreachable{fmt.Errorf("the server at %s does not answer%s", url, because)}
	default:
		return fmt.Errorf("%w%s", err, because)
	}
	if here {
		return hint.Add(err, "init %s", c.AccountName)
	}
	return err
}

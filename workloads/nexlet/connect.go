package nexlet

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"natster/workloads/nexlet/wire"
)

const dialTimeout = 5 * time.Second

// dialNex connects to Nex's NATS as c says, or with own credentials in place of those in c.
func dialNex(c wire.ConnectionData, own []byte, options ...nats.Option) (*nats.Conn, error) {
	all := []nats.Option{nats.Name("natster nexlet"), nats.Timeout(dialTimeout)}
	switch {
	case len(own) > 0:
		all = append(all, nats.UserCredentialBytes(own))
	case c.JWT != "" && c.Seed != "":
		all = append(all, nats.UserJWTAndSeed(c.JWT, c.Seed))
	case c.Seed != "":
		key, err := nkeys.FromSeed([]byte(c.Seed))
		if err != nil {
			return nil, errors.New("the seed that the node gave is not valid")
		}
		public, err := key.PublicKey()
		if err != nil {
			return nil, err
		}
		all = append(all, nats.Nkey(cmp.Or(c.NKey, public), key.Sign))
	case c.User != "":
		all = append(all, nats.UserInfo(c.User, c.Password))
	}
	if c.TLSCA != "" || c.TLSCert != "" {
		config, err := tlsOf(c)
		if err != nil {
			return nil, err
		}
		all = append(all, nats.Secure(config))
	}
	if c.TLSFirst {
		all = append(all, nats.TLSHandshakeFirst())
	}
	// A node that was configured with a context gives its agents no address.
	url := cmp.Or(strings.Join(c.Servers, ","), nats.DefaultURL)
	nc, err := nats.Connect(url, append(all, options...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to Nex's NATS at %s: %w", redact(url), err)
	}
	return nc, nil
}

// redact removes the passwords from a list of URLs.
func redact(urls string) string {
	all := strings.Split(urls, ",")
	for i, u := range all {
		scheme, rest, ok := strings.Cut(u, "://")
		if at := strings.LastIndexByte(rest, '@'); ok && at >= 0 {
			all[i] = scheme + "://" + rest[at+1:]
		}
	}
	return strings.Join(all, ",")
}

func tlsOf(c wire.ConnectionData) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLSCA != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(c.TLSCA)) {
			return nil, errors.New("the certificate authority that the node gave is not valid")
		}
	}
	if c.TLSCert != "" {
		pair, err := tls.X509KeyPair([]byte(c.TLSCert), []byte(c.TLSKey))
		if err != nil {
			return nil, errors.New("the certificate that the node gave is not valid")
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// mayPublish reports whether the nexlet may publish to the subject, as the JWT says that Nex gave it. With other
// credentials it assumes so. The caller holds mu.
func (n *Nexlet) mayPublish(subject string) bool {
	if len(n.cfg.NexCreds) > 0 || n.reg.Connection.JWT == "" {
		return true
	}
	claims, err := jwt.DecodeUserClaims(n.reg.Connection.JWT)
	if err != nil || len(claims.Pub.Allow) == 0 {
		return true
	}
	return slices.ContainsFunc(claims.Pub.Allow, func(allowed string) bool {
		return jwt.Subject(subject).IsContainedIn(jwt.Subject(allowed))
	})
}

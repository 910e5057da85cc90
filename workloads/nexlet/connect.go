package nexlet

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
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
		sign, public, err := signer(c.Seed)
		if err != nil {
			return nil, err
		}
		if c.NKey != "" {
			public = c.NKey
		}
		all = append(all, nats.Nkey(public, sign))
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
	url := strings.Join(c.Servers, ",")
	if url == "" {
		url = nats.DefaultURL // a node that was configured with a context gives its agents no address
	}
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

// signer returns the signing function and the public key of a seed.
func signer(seed string) (sign func([]byte) ([]byte, error), public string, err error) {
	key, err := nkeys.FromSeed([]byte(seed))
	if err != nil {
		return nil, "", errors.New("the seed that the node gave is not valid")
	}
	public, err = key.PublicKey()
	return key.Sign, public, err
}

// tlsOf returns the TLS configuration in c.
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

// mayPublish reports whether a user with this JWT may publish to the subject. Without a JWT it assumes so.
func mayPublish(token, subject string) bool {
	if token == "" {
		return true
	}
	claims, err := jwt.DecodeUserClaims(token)
	if err != nil || len(claims.Pub.Allow) == 0 {
		return true
	}
	for _, allowed := range claims.Pub.Allow {
		if jwt.Subject(subject).IsContainedIn(jwt.Subject(allowed)) {
			return true
		}
	}
	return false
}

package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"time"
)

// How long certificates are good. A server's is made anew when less than half of its time is left.
const (
	authorityLife = 20 * 365 * 24 * time.Hour
	serverLife    = 5 * 365 * 24 * time.Hour
	clockSkew     = time.Hour // between the machines
)

// A pair is a certificate and its key, in PEM.
type pair struct{ cert, key []byte }

func (p pair) parse() (*x509.Certificate, tls.Certificate, error) {
	both, err := tls.X509KeyPair(p.cert, p.key)
	if err != nil {
		return nil, both, fmt.Errorf("cluster: %w", err)
	}
	return both.Leaf, both, nil
}

// newAuthority returns an authority that signs certificates of servers and nothing else. Only those that it signed can
// be servers of the cluster.
func newAuthority() (pair, error) {
	return sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "natster cluster"}, NotAfter: time.Now().Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil)
}

// issue returns a certificate for a server. It has the hosts of all, because servers may learn of each other by
// another address than they were told; and is for both ends of a route.
func (k *Keys) issue(name string, servers []Server) (pair, error) {
	c := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(serverLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, s := range servers {
		if ip := net.ParseIP(s.Host); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, s.Host)
		}
	}
	return sign(c, &k.ca)
}

// good reports whether p is a certificate as issue makes it, and good for a while.
func (k *Keys) good(p pair, servers []Server) bool {
	cert, _, err := p.parse()
	if err != nil {
		return false
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(k.ca.cert)
	for _, s := range servers {
		_, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: s.Host,
			CurrentTime: time.Now().Add(serverLife / 2),
			KeyUsages:   []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
		if err != nil {
			return false
		}
	}
	return true
}

// sign completes a certificate and signs it by an authority, or by itself.
func sign(c *x509.Certificate, by *pair) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, fmt.Errorf("cluster: %w", err)
	}
	c.NotBefore = time.Now().Add(-clockSkew)
	parent, signer := c, any(key)
	if by != nil {
		cert, both, err := by.parse()
		if err != nil {
			return pair{}, err
		}
		parent, signer = cert, both.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	secret, keyErr := x509.MarshalPKCS8PrivateKey(key)
	if err := errors.Join(err, keyErr); err != nil {
		return pair{}, fmt.Errorf("cluster: %w", err)
	}
	return pair{
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
	}, nil
}

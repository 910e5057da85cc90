package embedded

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"natster/internal/private"
)

// What can be wrong with TLS.
var (
	ErrNeedsTLS = errors.New("listening beyond this machine needs TLS: " +
		"give a certificate and its key, or ask for a self-signed one")
	ErrTLSPair = errors.New("a certificate needs its key, and a key its certificate")
)

// selfSignedFor is how long a self-signed certificate is valid. Clients trust its fingerprint, so a new one would cost
// each of them a new trust decision, and an end date protects none.
const selfSignedFor = 20 * 365 * 24 * time.Hour

// serverTLS returns the certificate that c asks for and its fingerprint, or nil for none.
func serverTLS(c Config, hosts ...string) (*tls.Config, string, error) {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return nil, "", ErrTLSPair
	}
	certFile, keyFile := c.TLSCert, c.TLSKey
	switch {
	case certFile != "":
	case c.SelfSigned:
		var err error
		if certFile, keyFile, err = selfSigned(filepath.Join(c.Dir, "tls"), hosts); err != nil {
			return nil, "", fmt.Errorf("world: self-signed certificate: %w", err)
		}
	default:
		return nil, "", nil
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, "", fmt.Errorf("world: TLS certificate: %w", err)
	}
	sum := sha256.Sum256(pair.Certificate[0])
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	return config, hex.EncodeToString(sum[:]), nil
}

// selfSigned returns the files of the pair in dir, which it makes if there is none.
func selfSigned(dir string, hosts []string) (certFile, keyFile string, err error) {
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if _, err := os.Stat(certFile); !errors.Is(err, fs.ErrNotExist) {
		return certFile, keyFile, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return "", "", err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "natster"},
		NotBefore:             time.Now().Add(-time.Hour), // for clients whose clocks are late
		NotAfter:              time.Now().Add(selfSignedFor),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if name, err := os.Hostname(); err == nil {
		template.DNSNames = append(template.DNSNames, name)
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip == nil {
			template.DNSNames = append(template.DNSNames, h)
		} else if !ip.IsUnspecified() {
			template.IPAddresses = append(template.IPAddresses, ip)
		}
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return "", "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", "", err
	}
	if err := private.Mkdir(dir); err != nil {
		return "", "", err
	}
	// The certificate comes last: where it is, the key is.
	if err := private.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err != nil {
		return "", "", err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	return certFile, keyFile, private.WriteFile(certFile, text)
}

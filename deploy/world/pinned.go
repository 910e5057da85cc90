package world

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/hex"
	"errors"
)

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

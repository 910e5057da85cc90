package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/deploy/world"
	"natster/deploy/world/embedded"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
)

// A syncBuffer is a buffer that several goroutines write.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestAddressesThatCannotBeAreRefused(t *testing.T) {
	const loopback = "127.0.0.1:0"
	for name, test := range map[string]struct {
		listen, webSocket, cert string
		want                    error
	}{
		"everywhere without TLS":           {"0.0.0.0:0", loopback, "", embedded.ErrNeedsTLS},
		"no host without TLS":              {":0", loopback, "", embedded.ErrNeedsTLS},
		"WebSocket everywhere without TLS": {loopback, "[::]:0", "", embedded.ErrNeedsTLS},
		"a name without TLS":               {"natster.example:0", loopback, "", embedded.ErrNeedsTLS},
		"a certificate without key":        {loopback, "", "cert.pem", embedded.ErrTLSPair},
		"no port":                          {"127.0.0.1", "", "", embedded.ErrAddress},
		"a port that is none":              {"", "127.0.0.1:70000", "", embedded.ErrAddress},
	} {
		config := embedded.Config{Dir: t.TempDir(), Listen: test.listen, WebSocket: test.webSocket, TLSCert: test.cert}
		if w, err := embedded.Start(t.Context(), config); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
			if err == nil {
				_ = w.Stop(t.Context())
			}
		}
	}
}

func TestASelfSignedWorldIsKnownByItsFingerprint(t *testing.T) {
	everywhere := func(c *worldtest.Config) {
		c.Listen, c.WebSocket, c.SelfSigned = "0.0.0.0:0", "0.0.0.0:0", true
	}
	w := bare(t, everywhere)
	alice := w.Account("alice")
	fingerprint := w.Info().Fingerprint
	for _, url := range []string{w.URL(), w.WebSocketURL()} {
		if !strings.HasPrefix(url, "tls://127.0.0.1:") && !strings.HasPrefix(url, "wss://127.0.0.1:") {
			t.Errorf("the address is %s", url)
		}
		connect := func(fingerprint string) error {
			pinned, err := world.PinnedTLS(fingerprint)
			if err != nil {
				return err
			}
			nc, err := nats.Connect(url, nats.UserCredentialBytes(alice.Creds), nats.Secure(pinned))
			if err == nil {
				nc.Close()
			}
			return err
		}
		if err := connect(fingerprint); err != nil {
			t.Errorf("%s: %v", url, err)
		}
		if err := connect(strings.Repeat("00", 32)); !errors.Is(err, world.ErrNotPinned) {
			t.Errorf("%s with another fingerprint: %v", url, err)
		}
		if nc, err := nats.Connect(url, nats.UserCredentialBytes(alice.Creds)); err == nil {
			nc.Close()
			t.Errorf("%s is trusted without its fingerprint", url)
		}
	}
	if _, err := world.PinnedTLS("no fingerprint"); !errors.Is(err, world.ErrFingerprint) {
		t.Errorf("pinning no fingerprint: %v", err)
	}
	_ = connected(t, w.Admin) // inside the process there is no TLS to do
	flush(t, alice.Conn(t))   // what world.json says is enough to connect
	w.Restart(t)
	if w.Info().Fingerprint != fingerprint {
		t.Error("the restart made another certificate")
	}
}

func TestAWorldTakesTheCertificateThatItIsGiven(t *testing.T) {
	first := bare(t, func(c *worldtest.Config) { c.SelfSigned = true })
	files := filepath.Join(first.Config().Dir, "tls")
	w := bare(t, func(c *worldtest.Config) {
		c.Listen = "0.0.0.0:0"
		c.TLSCert, c.TLSKey = filepath.Join(files, "cert.pem"), filepath.Join(files, "key.pem")
	})
	if w.Info().Fingerprint == "" || w.Info().Fingerprint != first.Info().Fingerprint {
		t.Errorf("the fingerprint is %q; the certificate's is %q", w.Info().Fingerprint, first.Info().Fingerprint)
	}
	flush(t, w.Account("alice").Conn(t))
}

func TestBrowsersConnectOverWebSocket(t *testing.T) {
	w := bare(t)
	alice := w.Account("alice")
	nc := connected(t, func(context.Context) (*nats.Conn, error) {
		return nats.Connect(w.WebSocketURL(), nats.UserCredentialBytes(alice.Creds))
	})
	heard := subscribe(t, alice.Conn(t), "x")
	publish(t, nc, "x", "from a browser")
	if m := wait.Message(t, heard); string(m.Data) != "from a browser" {
		t.Errorf("heard %q", m.Data)
	}
}

package contexts

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/cli/hint"
	"natster/deploy/world"
)

func TestDevrunIsOnlySuggestedWhereItHelps(t *testing.T) {
	here, away := Context{Name: "alice", AccountName: "alice", World: "/w"}, Context{Name: "alice",
		AccountName: "alice"}
	told := Context{AccountName: "alice", World: "/w", surroundings: &surroundings{says: "NATS_URL"}}
	for _, c := range []struct {
		context Context
		err     error
		say     string
		try     string
	}{
		{here, nats.ErrNoServers, "nobody answers at nats://h:1: the world is not running", "devrun"},
		{away, nats.ErrNoServers, "nobody answers at nats://h:1", ""},
		{told, nats.ErrNoServers, "nobody answers at nats://h:1 (NATS_URL says so)", ""},
		{away, &net.DNSError{Err: "no such host", Name: "h"}, `no address is known for "h"`, ""},
		{here, nats.ErrAuthorization, "refuses the credentials of account alice", "init alice"},
		{away, nats.ErrAuthExpired, "refuses the credentials", ""},
		{here, world.ErrNotPinned, "has another certificate", "init alice"},
		{away, &tls.CertificateVerificationError{Err: errors.New("unknown authority")}, "cannot be trusted", ""},
		{away, nats.ErrSecureConnRequired, "cannot be trusted", ""},
		{away, nats.ErrTimeout, "the server at nats://h:1 does not answer", ""},
	} {
		err := c.context.refused("nats://h:1", fmt.Errorf("world: connect: %w", c.err))
		if !strings.Contains(err.Error(), c.say) || hint.Of(err) != c.try {
			t.Errorf("%v: %v; try: %s", c.err, err, hint.Of(err))
		}
	}
}

func FuzzParse(f *testing.F) {
	good := `{"name":"alice","account":"ABJFWX4WUPLG4PY72Z4I6LOBWVJPTSAZ6GLG6ZJN3NBQOMJLHGGRWUTT",` +
		`"account_name":"alice","url":"nats://127.0.0.1:7422","world":"/w","creds":"alice.creds"}`
	for _, s := range []string{good, "", "{}", "null", "[]", strings.Replace(good, "alice", "../x", 1),
		strings.Replace(good, "nats:", "file:", 1)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse(text)
		if err != nil {
			if !errors.Is(err, ErrFile) {
				t.Errorf("%v is no ErrFile", err)
			}
			if c != (Context{}) {
				t.Errorf("an error and %+v", c)
			}
			return
		}
		if c.Account.IsZero() || strings.ContainsAny(c.Name, "/\\\x00") || c.check() != nil {
			t.Errorf("accepted %+v", c)
		}
	})
}

func TestAContextFileIsReadOrRefusedWithAReason(t *testing.T) {
	const key = "ABJFWX4WUPLG4PY72Z4I6LOBWVJPTSAZ6GLG6ZJN3NBQOMJLHGGRWUTT"
	file := func(name, account, url, creds, world string) string {
		return `{"name":"` + name + `","account":"` + account + `","url":"` + url + `","creds":"` + creds +
			`","world":"` + world + `"}`
	}
	for text, want := range map[string]string{
		file("alice", key, "nats://h:1", "a.creds", ""):         "",
		file("alice", key, "tls://h:1", "/x/a.creds", "/w"):     "",
		file("world", key, "nats://h:1", "a.creds", ""):         "its name",
		file("../a", key, "nats://h:1", "a.creds", ""):          "its name",
		file("alice", "", "nats://h:1", "a.creds", ""):          "no account",
		file("alice", key[:50], "nats://h:1", "a.creds", ""):    "not an account key",
		file("alice", key, "http://h:1", "a.creds", ""):         "its url",
		file("alice", key, "nats://u:p@h:1", "a.creds", ""):     "has a user in it",
		file("alice", key, "nats://h:1", "", ""):                "creds file",
		file("alice", key, "nats://h:1", "a.creds", "relative"): "absolute",
		`{"name":7}`:  "cannot unmarshal",
		`{} trailing`: "invalid character",
	} {
		_, err := Parse([]byte(text))
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

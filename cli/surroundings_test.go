package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
)

// with is m's environment with more variables.
func (m *machine) with(more map[string]string) func(string) string {
	return func(name string) string {
		if v, ok := more[name]; ok {
			return v
		}
		return m.env(name)
	}
}

func TestTheNATSCommandIsGivenContexts(t *testing.T) {
	m := newMachine(t)
	m.natster("init alice").ok()
	dir := filepath.Join(m.home, ".config/nats/context")
	m.natster("admin nats").ok().says("natster-admin", "natster-system", "account alice",
		// The nats command does not know of HOME; where it is another than the system's, it has to be told.
		"Next: XDG_CONFIG_HOME="+filepath.Join(m.home, ".config")+" nats --context natster-admin micro ls\n")
	runWith(t, m.with(map[string]string{"XDG_CONFIG_HOME": filepath.Join(m.home, ".config")}), "admin", "nats").ok().
		says("Next: nats --context natster-admin micro ls\n")
	connect := func(name string) *nats.Conn {
		t.Helper()
		file := filepath.Join(dir, name+".json")
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%s: %v, %v", file, info, err)
		}
		text, err := os.ReadFile(file)
		if err != nil || strings.Contains(string(text), "SEED") {
			t.Fatalf("%s: %v:\n%s", file, err, text)
		}
		var c struct{ Description, URL, Creds string }
		if err := json.Unmarshal(text, &c); err != nil || c.Description == "" {
			t.Fatalf("%s: %v:\n%s", file, err, text)
		}
		nc, err := nats.Connect(c.URL, nats.UserCredentials(c.Creds))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		t.Cleanup(nc.Close)
		return nc
	}
	ping, err := micro.ControlSubject(micro.PingVerb, "", "")
	if err != nil {
		t.Fatal(err)
	}
	for name, subject := range map[string]string{"natster-admin": ping, "natster-system": "$SYS.REQ.SERVER.PING",
		"natster-me": "$SYS.REQ.USER.INFO"} {
		if _, err := connect(name).Request(subject, nil, wait.Patience); err != nil {
			t.Errorf("%s: %s: %v", name, subject, err)
		}
	}
	m.natster("admin nats").ok() // again, for where the world is now
	theirs := `{"description":"my own","url":"nats://example.net"}`
	if err := os.WriteFile(filepath.Join(dir, "natster-me.json"), []byte(theirs), 0o600); err != nil {
		t.Fatal(err)
	}
	m.natster("admin nats").exits(1).warns("natster-me.json is there already and not natster's")
	if text, err := os.ReadFile(filepath.Join(dir, "natster-me.json")); err != nil || string(text) != theirs {
		t.Errorf("it was replaced: %v, %s", err, text)
	}
}

func TestTheVariablesOfTheNATSCommandAreUnderstood(t *testing.T) {
	m, other := newMachine(t), worldtest.Start(t)
	m.natster("init alice").ok()
	m.natster("init bob").ok() // in use now
	m.natster("admin nats").ok()
	config := filepath.Join(m.home, ".config")
	alices := filepath.Join(config, "natster/contexts/alice.creds")
	stranger := filepath.Join(t.TempDir(), "carol.creds")
	if err := os.WriteFile(stranger, m.Account("carol").Creds, 0o600); err != nil {
		t.Fatal(err)
	}
	url := m.Info().URL
	for _, row := range []struct {
		what string
		vars map[string]string
		line string
		code int
		say  string // on stdout, or on stderr if the code is not 0
	}{
		{"a context of the nats command", map[string]string{"NATS_CONTEXT": "natster-me"}, "whoami", 0, "bob"},
		{"credentials", map[string]string{"NATS_URL": url, "NATS_CREDS": alices}, "whoami", 0, "alice"},
		{"credentials in the home directory", map[string]string{"NATS_URL": url,
			"NATS_CREDS": "~/.config/natster/contexts/alice.creds"}, "whoami", 0, "alice"},
		{"credentials count before the nats context's",
			map[string]string{"NATS_CONTEXT": "natster-me", "NATS_CREDS": alices}, "whoami", 0, "alice"},
		{"a file", map[string]string{"NATS_CONTEXT": filepath.Join(config, "nats/context/natster-me.json")}, "whoami",
			0, "bob"},
		{"a server alone is where to be who one is", map[string]string{"NATS_URL": url}, "whoami", 0, "bob"},
		{"an account that natster has no context for", map[string]string{"NATS_URL": url, "NATS_CREDS": stranger},
			"stats", 0, "accounts"},
		{"--context counts first", map[string]string{"NATS_URL": "nats://127.0.0.1:1", "NATS_CREDS": stranger},
			"--context alice whoami", 0, "alice"},
		{"NATSTER_CONTEXT, too", map[string]string{"NATSTER_CONTEXT": "alice", "NATS_CONTEXT": "nosuch"}, "whoami", 0,
			"alice"},
		{"the other commands as well", map[string]string{"NATS_URL": url, "NATS_CREDS": alices}, "ls", 0,
			"no catalogs yet"},
		{"nobody there", map[string]string{"NATS_URL": "nats://127.0.0.1:1"}, "whoami", 1,
			"nobody answers at nats://127.0.0.1:1 (NATS_URL says so)\n"},
		{"another world", map[string]string{"NATS_URL": other.Info().URL, "NATS_CREDS": alices}, "whoami", 1,
			"refuses the credentials"},
		{"no such context", map[string]string{"NATS_CONTEXT": "nosuch"}, "whoami", 1,
			"NATS_CONTEXT: no context of the nats command"},
		{"no credentials", map[string]string{"NATS_CREDS": config + "/natster/contexts/alice.json"}, "whoami", 1,
			"not a credentials file of NATS"},
		{"a password", map[string]string{"NATS_URL": "nats://me:secret@127.0.0.1:1"}, "whoami", 1,
			"there is a user in the URL"},
	} {
		r := runWith(t, m.with(row.vars), strings.Fields(row.line)...)
		if r.exits(row.code); row.code == 0 {
			r.says(row.say)
		} else {
			r.warns(row.say)
		}
		if strings.Contains(r.out+r.err, "secret") || strings.Contains(r.err, "devrun") {
			t.Errorf("%s: %s", row.what, r.err)
		}
	}
}

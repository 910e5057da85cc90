package worldtest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"natster/events"
	"natster/internal/test/wait"
)

// OperatorKeys are what only the operator may read, so that a test can do what only a malicious operator could.
type OperatorKeys struct {
	SigningSeed string `json:"signing_seed"`
}

// AccountKeys are the same of an account.
type AccountKeys struct {
	Seed        string `json:"seed"`
	SigningSeed string `json:"signing_seed"`
	JWT         string `json:"jwt"`
	Users       map[string]struct {
		Seed string `json:"seed"`
		JWT  string `json:"jwt"`
	} `json:"users"`
}

// ReadKeys reads a file of the keys of the world in dir into v.
func ReadKeys(t testing.TB, v any, dir string, file ...string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{dir, "keys"}, file...)...))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatal(err)
	}
}

// Keys are the keys of an account.
func (w *World) Keys(a events.Account) (keys AccountKeys) {
	w.t.Helper()
	ReadKeys(w.t, &keys, w.config.Dir, "accounts", a.String()+".json")
	return keys
}

// Forge gives an account these imports beside those that it has on disk, in a JWT that the operator signed and the
// server takes.
func (w *World) Forge(a events.Account, imports ...*jwt.Import) {
	w.t.Helper()
	if err := w.TryForge(a, imports...); err != nil {
		w.t.Fatal(err)
	}
}

// TryForge is Forge, and returns an error if the server does not take the JWT.
func (w *World) TryForge(a events.Account, imports ...*jwt.Import) error {
	w.t.Helper()
	var operator OperatorKeys
	ReadKeys(w.t, &operator, w.config.Dir, "operator.json")
	claims, err := jwt.DecodeAccountClaims(w.Keys(a).JWT)
	if err != nil {
		w.t.Fatal(err)
	}
	claims.Imports.Add(imports...)
	signer, err := nkeys.FromSeed([]byte(operator.SigningSeed))
	if err != nil {
		w.t.Fatal(err)
	}
	token, err := claims.Encode(signer)
	if err != nil {
		w.t.Fatal(err)
	}
	keeper := w.Keys(w.Accounts().System).Users["keeper"]
	nc, err := nats.Connect(w.URL(), nats.UserJWTAndSeed(keeper.JWT, keeper.Seed))
	if err != nil {
		w.t.Fatal(err)
	}
	defer nc.Close()
	m, err := nc.Request("$SYS.REQ.CLAIMS.UPDATE", []byte(token), wait.Patience)
	if err != nil {
		w.t.Fatal(err)
	}
	if !strings.Contains(string(m.Data), "jwt updated") {
		return fmt.Errorf("the server does not take the JWT: %s", m.Data)
	}
	return nil
}

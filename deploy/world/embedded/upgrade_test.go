package embedded_test

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"

	"natster/deploy/world"
	"natster/events"
	"natster/functions"
	"natster/functions/api"
	"natster/internal/jet"
	"natster/internal/test/eventstest"
	"natster/internal/test/worldtest"
)

// unpack unpacks a world's directory, made by the natster of commit 658dc64: alice and bob are initialized, bob has
// imported alice's films, and alice is bound to the web login github|1. Nobody else has these keys.
func unpack(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	packed, err := os.Open("testdata/world-658dc64.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = packed.Close() }()
	plain, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	for files := tar.NewReader(plain); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err == nil && h.Typeflag == tar.TypeDir {
			err = root.MkdirAll(h.Name, 0o700)
		} else if err == nil {
			var text []byte
			if text, err = io.ReadAll(files); err == nil {
				err = root.WriteFile(h.Name, text, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Until 658dc64 the functions were users of one account, global, that owned JetStream.
func TestAWorldOfOneAccountForAllFunctionsIsBroughtOver(t *testing.T) {
	dir := unpack(t)
	before, err := world.Find(dir)
	if err == nil {
		t.Fatal("the world is said to run")
	}
	old := functionUsers(t, dir, before.Global)
	w := worldtest.Start(t, func(c *worldtest.Config) { c.Dir = dir })
	for _, restart := range []bool{false, true} {
		if restart {
			w.Restart(t)
		}
		isAsBefore(t, w)
	}
	if w.Accounts().Data != before.Global || w.Accounts().Global == before.Global {
		t.Errorf("it was %s: %+v", before.Global, w.Accounts())
	}
	for name, creds := range old {
		nc, err := nats.Connect(w.URL(), nats.UserCredentialBytes(creds))
		if err == nil {
			nc.Close()
			t.Errorf("%s can still connect where JetStream is", name)
		}
	}
	if len(old) != len(w.Functions()) {
		t.Errorf("there were %d functions", len(old))
	}
	for _, p := range world.Projections() {
		if err := world.Rebuild(t.Context(), connected(t, w.Admin), false, nil, p); err != nil {
			t.Errorf("rebuild %s: %v", p.Name, err)
		}
	}
	isAsBefore(t, w)
}

// functionUsers returns the credentials of the users that the account had, without its administrator.
func functionUsers(t *testing.T, dir string, a events.Account) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "keys", "accounts", a.String()+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var record struct {
		Users map[string]struct{ Seed, JWT string }
	}
	if err := json.Unmarshal(text, &record); err != nil {
		t.Fatal(err)
	}
	all := make(map[string][]byte)
	for name, u := range record.Users {
		if all[name], err = jwt.FormatUserConfig(u.JWT, []byte(u.Seed)); err != nil {
			t.Fatal(err)
		}
	}
	delete(all, "admin")
	return all
}

// isAsBefore checks what the world in testdata holds.
func isAsBefore(t *testing.T, w *worldtest.World) {
	t.Helper()
	alice, bob, films := w.Account("alice"), w.Account("bob"), eventstest.Catalog(t, "films")
	me, err := api.NewClient(alice.Conn(t)).Whoami(t.Context())
	if err != nil || me.Name != "alice" || me.Account != alice.Key || me.OAuthID != "github|1" {
		t.Errorf("alice is %+v, %v", me, err)
	}
	shares, err := api.NewClient(bob.Conn(t)).Shares(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var from []events.Account
	for _, s := range shares {
		if s.Catalog == films && s.To == bob.Key {
			from = append(from, s.From)
		}
	}
	if len(from) != 1 || from[0] != alice.Key {
		t.Errorf("bob has films of %v", from)
	}
	answers(t, alice.Conn(t), events.CatalogService(films, events.VerbGet), "alice's")
	if m, err := request(t, bob.Conn(t), events.CatalogSubject(films, events.VerbGet), ""); err != nil ||
		string(m.Data) != "alice's" {
		t.Errorf("bob's import: %v", err)
	}
	site := connected(t, w.Website)
	if c, err := api.NewClient(site).GetContext(t.Context(), "github|1"); err != nil ||
		c.Context.AccountPublicKey != alice.Key {
		t.Errorf("the login's context: %v", err)
	}
	host, err := functions.Open(connected(t, w.Admin), jet.Own)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = host.Direct.Close() }()
	count := make(map[events.Type]int)
	if _, err := host.Log.Replay(t.Context(), 1, 0, func(e events.Envelope, err error) error {
		count[e.Type]++
		return err
	}); err != nil {
		t.Error(err)
	}
	want := map[events.Type]int{
		events.Initialized: 3, events.Shared: 3, events.Imported: 1, events.Bound: 1,
	}
	for typ, n := range want {
		if count[typ] != n {
			t.Errorf("the log has %v; %d of %s wanted", count, n, typ)
		}
	}
}

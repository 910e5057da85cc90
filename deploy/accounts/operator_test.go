package accounts_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"natster/deploy/accounts"
	"natster/deploy/world"
	"natster/events"
	"natster/functions"
	"natster/internal/test/eventstest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
)

// bare starts a world without functions: accounts are all that these tests are about.
func bare(t testing.TB) *worldtest.World {
	t.Helper()
	return worldtest.Start(t, worldtest.Bare)
}

func TestBootstrapAgainKeepsEveryKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	content := func() map[string]string {
		if err := accounts.Bootstrap(t.Context(), dir, functions.Limits{}); err != nil {
			t.Fatal(err)
		}
		all := make(map[string]string)
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			all[path] = string(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	first, second := content(), content()
	if !reflect.DeepEqual(first, second) {
		t.Error("the key directory changed")
	}
}

func TestKeysArePrivateFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := accounts.Bootstrap(t.Context(), dir, functions.Limits{}); err != nil {
		t.Fatal(err)
	}
	op, err := accounts.Open(dir, functions.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := op.Enrol(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCredentialsDoNotPrintThemselves(t *testing.T) {
	creds := accounts.Creds("-----BEGIN USER NKEY SEED-----")
	for _, format := range []string{"%v", "%s", "%+v", "%#v"} {
		if s := fmt.Sprintf(format, creds); strings.Contains(s, "SEED") {
			t.Errorf("%s shows %s", format, s)
		}
		if s := fmt.Sprintf(format, accounts.Enrolment{Creds: creds}); strings.Contains(s, "SEED") {
			t.Errorf("%s of an enrolment shows %s", format, s)
		}
	}
}

func TestEnrollingAgainIsTheSameAccount(t *testing.T) {
	w := bare(t)
	first, err := w.Keeper().Enrol(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.Keeper().Enrol(t.Context(), "Alice")
	if err != nil {
		t.Fatal(err)
	}
	if first.Account != again.Account || !bytes.Equal(first.Creds, again.Creds) || again.Name != "alice" {
		t.Errorf("enrolled %s %s, then %s %s", first.Name, first.Account, again.Name, again.Account)
	}
	if _, err := w.Keeper().Enrol(t.Context(), "hub"); !errors.Is(err, accounts.ErrReservedName) {
		t.Errorf("enrolling as the hub: %v", err)
	}
}

func TestImportsAreIdempotentAndListedAndTakenBack(t *testing.T) {
	w := bare(t)
	alice, bob := w.Account("alice"), w.Account("bob")
	films, books := eventstest.Catalog(t, "films"), eventstest.Catalog(t, "books")
	k := w.Keeper()
	for _, c := range []events.Catalog{films, books, films} {
		if err := k.Import(t.Context(), bob.Key, accounts.Import{Catalog: c, Owner: alice.Key}); err != nil {
			t.Fatal(err)
		}
	}
	want := []accounts.Import{{books, alice.Key, books}, {films, alice.Key, films}}
	if got, err := k.Imports(t.Context(), bob.Key); err != nil || !slices.Equal(got, want) {
		t.Errorf("imports %v, %v; want %v", got, err, want)
	}
	if err := k.Unimport(t.Context(), bob.Key, films); err != nil {
		t.Fatal(err)
	}
	if got, err := k.Imports(t.Context(), bob.Key); err != nil || !slices.Equal(got, want[:1]) {
		t.Errorf("imports %v, %v; want %v", got, err, want[:1])
	}
	if err := k.Unimport(t.Context(), bob.Key, films); !errors.Is(err, accounts.ErrNotImported) {
		t.Errorf("unimporting again: %v", err)
	}
}

func TestACatalogIsImportedUnderAnotherName(t *testing.T) {
	w := bare(t)
	alice, bob, carol := w.Account("alice"), w.Account("bob"), w.Account("carol")
	films, other := eventstest.Catalog(t, "films"), eventstest.Catalog(t, "alicefilms")
	k := w.Keeper()
	imports := func(i accounts.Import, want error, then ...accounts.Import) {
		t.Helper()
		if err := k.Import(t.Context(), carol.Key, i); !errors.Is(err, want) {
			t.Fatalf("import %v: %v, want %v", i, err, want)
		}
		if got, err := k.Imports(t.Context(), carol.Key); err != nil || !slices.Equal(got, then) {
			t.Fatalf("imports are %v, %v; want %v", got, err, then)
		}
	}
	bobs := accounts.Import{Catalog: films, Owner: bob.Key, As: films}
	alices := accounts.Import{Catalog: films, Owner: alice.Key, As: other}
	imports(accounts.Import{Catalog: films, Owner: bob.Key}, nil, bobs)
	imports(accounts.Import{Catalog: films, Owner: alice.Key}, accounts.ErrConflict, bobs)
	imports(alices, nil, alices, bobs)
	imports(accounts.Import{Catalog: films, Owner: alice.Key}, nil, alices, bobs) // again: it keeps its name
	imports(accounts.Import{Catalog: films, Owner: bob.Key, As: other}, accounts.ErrConflict, alices, bobs)
	renamed := accounts.Import{Catalog: films, Owner: bob.Key, As: eventstest.Catalog(t, "bobfilms")}
	imports(renamed, nil, alices, renamed)
	if err := k.Unimport(t.Context(), carol.Key, films); !errors.Is(err, accounts.ErrNotImported) {
		t.Errorf("unimport what has another name here: %v", err)
	}
	if err := k.Unimport(t.Context(), carol.Key, other); err != nil {
		t.Error(err)
	}
	imports(renamed, nil, renamed)
}

func TestImportsThatCannotBeAreRefused(t *testing.T) {
	w := bare(t)
	alice, bob, carol := w.Account("alice"), w.Account("bob"), w.Account("carol")
	films := eventstest.Catalog(t, "films")
	w.Import(bob, films, alice)
	stranger, err := events.ParseAccount("ADMHMDX2LEUJRZQHGVSVRWZEJ2CPNHYO6TB4ZCZ37LXAX5SYNEW252GF")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		importer, owner events.Account
		c               events.Catalog
		want            error
	}{
		"same name, other owner": {bob.Key, carol.Key, films, accounts.ErrConflict},
		"own catalog":            {alice.Key, alice.Key, films, accounts.ErrOwnCatalog},
		"owner is nobody here":   {bob.Key, stranger, eventstest.Catalog(t, "books"), accounts.ErrUnknownAccount},
		"owner is no account": {bob.Key, events.Account{}, eventstest.Catalog(t, "books"),
			accounts.ErrUnknownAccount},
		"owner has no catalogs": {bob.Key, w.Accounts().Global, eventstest.Catalog(t, "books"),
			accounts.ErrUnknownAccount},
		"importer is nobody here": {stranger, alice.Key, films, accounts.ErrUnknownAccount},
		"no catalog":              {bob.Key, alice.Key, events.Catalog{}, events.ErrCatalogName},
	} {
		if err := w.Keeper().Import(t.Context(), test.importer,
			accounts.Import{Catalog: test.c, Owner: test.owner}); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
}

func TestConcurrentEditsOfSeveralKeepersLoseNothing(t *testing.T) {
	w := bare(t)
	alice, bob := w.Account("alice"), w.Account("bob")
	const each = 8
	var running sync.WaitGroup
	for _, who := range []string{"A", "B", "C"} {
		k, err := world.OpenKeeper(w.Config().Dir) // as another process has it
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() {
			for i := range each {
				if err := k.Import(t.Context(), bob.Key,
					accounts.Import{Catalog: eventstest.Catalog(t, fmt.Sprintf("%s%d", who, i)),
						Owner: alice.Key}); err != nil {
					t.Error(err)
				}
				if _, err := k.Enrol(t.Context(), fmt.Sprintf("user%d", i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	imports, err := w.Keeper().Imports(t.Context(), bob.Key)
	if err != nil || len(imports) != 3*each {
		t.Errorf("%d imports, %v; want %d", len(imports), err, 3*each)
	}
	// The server knows what the directory knows.
	sub, err := alice.Conn(t).Subscribe("*.natster.catalog.>", func(m *nats.Msg) { _ = m.Respond(nil) })
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := alice.Conn(t).Flush(); err != nil {
		t.Fatal(err)
	}
	for _, i := range imports {
		if _, err := bob.Conn(t).Request(events.CatalogSubject(i.Catalog, events.VerbGet), nil,
			wait.Patience); err != nil {
			t.Errorf("%s: %v", i.Catalog, err)
		}
	}
}

func TestAWorldThatDoesNotRunIsSaidSoAndNothingChanges(t *testing.T) {
	if _, err := world.OpenKeeper(t.TempDir()); !errors.Is(err, accounts.ErrNoWorld) {
		t.Errorf("no world: %v", err)
	}
	w := bare(t)
	alice, bob := w.Account("alice"), w.Account("bob")
	k, err := world.OpenKeeper(w.Config().Dir)
	if err != nil {
		t.Fatal(err)
	}
	w.Stop(t)
	if err := k.Import(t.Context(), bob.Key, accounts.Import{Catalog: eventstest.Catalog(t, "films"),
		Owner: alice.Key}); !errors.Is(err, accounts.ErrNotRunning) {
		t.Errorf("import: %v", err)
	}
	if _, err := k.Enrol(t.Context(), "carol"); !errors.Is(err, accounts.ErrNotRunning) {
		t.Errorf("enrol: %v", err)
	}
	if got, err := k.Imports(t.Context(), bob.Key); err != nil || len(got) != 0 {
		t.Errorf("imports %v, %v; want none", got, err)
	}
	w.Resume(t)
	if err := k.Import(t.Context(), bob.Key, accounts.Import{Catalog: eventstest.Catalog(t, "films"),
		Owner: alice.Key}); err != nil {
		t.Errorf("import after the start: %v", err)
	}
}

func TestOtherPermissionsEndTheOldCredentials(t *testing.T) {
	w := bare(t)
	alice := w.Account("alice")
	user := func(p accounts.Permissions) accounts.Creds {
		t.Helper()
		creds, err := w.Keeper().User(t.Context(), alice.Key, "phone", p)
		if err != nil {
			t.Fatal(err)
		}
		return creds
	}
	old := user(accounts.Permissions{All: true})
	if !bytes.Equal(old, user(accounts.Permissions{All: true})) {
		t.Error("the same permissions are other credentials")
	}
	closed := make(chan struct{})
	nc, err := w.Info().Connect(t.Context(), old, nats.NoReconnect(),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	fresh := user(accounts.Permissions{Subscribe: []string{"x"}})
	wait.Receive(t, "the old connection is closed", closed)
	if nc, err := w.Info().Connect(t.Context(), old, nats.NoReconnect()); err == nil {
		nc.Close()
		t.Error("the old credentials still connect")
	}
	nc, err = w.Info().Connect(t.Context(), fresh)
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	if _, err := w.Keeper().User(t.Context(), alice.Key, "phone",
		accounts.Permissions{Publish: []string{"a..b"}}); err == nil {
		t.Error("permissions for a subject that is none are accepted")
	}
}

func TestAnEditThatTheServerCannotTakeNeverWas(t *testing.T) {
	w := bare(t)
	alice, bob := w.Account("alice"), w.Account("bob")
	w.Import(bob, eventstest.Catalog(t, "films"), alice)
	k, err := world.OpenKeeper(w.Config().Dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.ImportMany(t.Context(), bob.Key, alice.Key, 5000); !errors.Is(err, accounts.ErrRefused) {
		t.Errorf("more imports than a message holds: %v", err)
	}
	w.Import(bob, eventstest.Catalog(t, "books"), alice)
	if got, err := k.Imports(t.Context(), bob.Key); err != nil || len(got) != 2 {
		t.Errorf("imports %v, %v; want books and films", got, err)
	}
}

func BenchmarkEnrol(b *testing.B) {
	w := bare(b)
	for i := 0; b.Loop(); i++ {
		if _, err := w.Keeper().Enrol(b.Context(), fmt.Sprintf("user%d", i)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkImport(b *testing.B) {
	w := bare(b)
	alice := w.Account("alice")
	bob := w.Account("bob")
	_ = bob.Conn(b)
	for i := 0; b.Loop(); i++ {
		w.Import(bob, eventstest.Catalog(b, fmt.Sprintf("c%d", i%50)), alice)
	}
}

func TestClaimsThatAnotherSignedAreValidated(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	if err := accounts.Bootstrap(t.Context(), dir, functions.Limits{}); err != nil {
		t.Fatal(err)
	}
	k, err := accounts.Open(dir, functions.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.EditForeign(t.Context(), k.WellKnown().Hub); !errors.Is(err, accounts.ErrRefused) {
		t.Errorf("got %v", err)
	}
}

package authority_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"natster/events"
	"natster/functions/api"
	"natster/functions/authority"
	"natster/functions/view"
	"natster/internal/test/eventstest"
	"natster/internal/test/functionstest"
)

// A keeper remembers what it was asked to do.
type keeper struct {
	mu      sync.Mutex
	imports map[events.Account][]api.Import
	refuse  error
}

func (k *keeper) Import(_ context.Context, importer events.Account, i api.Import) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.refuse == nil {
		k.imports[importer] = append(k.imports[importer], i)
	}
	return k.refuse
}

func (k *keeper) Unimport(_ context.Context, importer events.Account, _ events.Catalog) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.imports, importer)
	return k.refuse
}

func (k *keeper) Imports(_ context.Context, importer events.Account) ([]api.Import, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.imports[importer], k.refuse
}

func start(t *testing.T) (*functionstest.Bench, *keeper, events.Catalog) {
	t.Helper()
	k := &keeper{imports: make(map[events.Account][]api.Import)}
	b := functionstest.Start(t, authority.New(k))
	films := eventstest.Catalog(t, "films")
	b.ProjectShares(1, 1, view.Share{From: b.Key("alice"), To: b.Key("bob"), Catalog: films})
	return b, k, films
}

func TestAnAccountImportsForItselfWhatIsSharedWithIt(t *testing.T) {
	b, k, films := start(t)
	q := api.ImportRequest{Catalog: films, Owner: b.Key("alice")}
	if all, err := api.Call(t.Context(), b.Client("bob"), api.ListImports, api.None{}); err != nil || all == nil ||
		len(all) != 0 {
		t.Errorf("before: %v, %v; want an empty list", all, err)
	}
	if _, err := api.Call(t.Context(), b.Client("bob"), api.ImportCatalog, q); err != nil {
		t.Fatal(err)
	}
	all, err := api.Call(t.Context(), b.Client("bob"), api.ListImports, api.None{})
	if err != nil || len(all) != 1 || all[0] != (api.Import{Catalog: films, Owner: b.Key("alice")}) {
		t.Errorf("imports: %v, %v", all, err)
	}
	k.mu.Lock()
	if len(k.imports) != 1 {
		t.Errorf("changed were the accounts %v", k.imports)
	}
	k.mu.Unlock()
	if _, err := api.Call(t.Context(), b.Client("bob"), api.UnimportCatalog,
		api.ImportRequest{Catalog: films}); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsNotSharedIsNotImported(t *testing.T) {
	b, k, films := start(t)
	for name, row := range map[string]struct {
		who  string
		q    api.ImportRequest
		want error
	}{
		"shared with another": {"carol", api.ImportRequest{Catalog: films, Owner: b.Key("alice")}, api.ErrForbidden},
		"a catalog that is not": {"bob",
			api.ImportRequest{Catalog: eventstest.Catalog(t, "music"), Owner: b.Key("alice")}, api.ErrForbidden},
		"by somebody else":  {"bob", api.ImportRequest{Catalog: films, Owner: b.Key("carol")}, api.ErrForbidden},
		"one's own":         {"alice", api.ImportRequest{Catalog: films, Owner: b.Key("alice")}, api.ErrForbidden},
		"without a catalog": {"bob", api.ImportRequest{Owner: b.Key("alice")}, api.ErrBadRequest},
		"without an owner":  {"bob", api.ImportRequest{Catalog: films}, api.ErrBadRequest},
	} {
		if _, err := api.Call(t.Context(), b.Client(row.who), api.ImportCatalog, row.q); !errors.Is(err, row.want) {
			t.Errorf("%s: %v; want %v", name, err, row.want)
		}
	}
	if len(k.imports) != 0 {
		t.Errorf("changed: %v", k.imports)
	}
}

func TestTheKeepersRefusalIsToldAndBadRequestsAreAnswered(t *testing.T) {
	b, k, films := start(t)
	k.refuse = api.Errorf(api.ErrConflict, "you already have one")
	_, err := api.Call(t.Context(), b.Client("bob"), api.ImportCatalog,
		api.ImportRequest{Catalog: films, Owner: b.Key("alice")})
	if !errors.Is(err, api.ErrConflict) || err.Error() != "you already have one" {
		t.Errorf("refused with %v", err)
	}
	nc := b.Account("bob").Conn(t)
	for name, body := range functionstest.BadBodies() {
		if e := b.Ask(nc, api.ImportCatalog.Subject(), body); e.Code == api.CodeOK || e.Code == api.CodeInternal {
			t.Errorf("%s: %d %s", name, e.Code, e.Error)
		}
	}
}

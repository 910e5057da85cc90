package eventwriter_test

import (
	"errors"
	"strings"
	"testing"

	"natster/events"
	"natster/functions/api"
	"natster/internal/test/eventstest"
)

func TestAWebSessionTakesBackAndNotesImportsAndDoesNotShare(t *testing.T) {
	w := start(t)
	alice, client := initialized(t, w, "alice")
	bob, bobs := initialized(t, w, "bob")
	films := eventstest.Catalog(t, "films")
	put := func(c *api.Client, to events.Account, kind string) error {
		_, err := api.Call(t.Context(), c, api.PutWeb,
			api.PutRequest{Catalog: "films", Target: to.String(), EventType: kind})
		return err
	}
	for _, kind := range []string{
		"catalog_shared", "Catalog_Shared", "catalog_shared ", "natster_initialized", "context_bound", "", "x",
	} {
		if err := put(client, bob.Key, kind); !errors.Is(err, api.ErrForbidden) ||
			!strings.Contains(err.Error(), "natster catalog share") {
			t.Errorf("%q: %v", kind, err)
		}
	}
	if err := client.Share(t.Context(), films, bob.Key); err != nil {
		t.Fatal(err)
	}
	if err := put(bobs, alice.Key, "catalog_imported"); err != nil {
		t.Errorf("an import: %v", err)
	}
	if err := put(client, bob.Key, "catalog_unshared"); err != nil {
		t.Errorf("to take it back: %v", err)
	}
	var kinds []string
	for _, e := range history(t, w) {
		if e.Type != events.Initialized {
			kinds = append(kinds, string(e.Type))
		}
	}
	if got := strings.Join(kinds, " "); got != "catalog_shared catalog_imported catalog_unshared" {
		t.Errorf("the log has %s", got)
	}
}

package client_test

import (
	"context"
	"errors"
	"testing"

	"natster/deploy/accounts"
	"natster/events"
	"natster/internal/test/catalogtest"
	"natster/internal/test/eventstest"
	"natster/workloads/catalog/client"
)

// Bob calls alice's films by another name: requests go where the import leads, and what is sealed names them as alice
// does.
func TestACatalogIsReadUnderTheNameThatItsImportHas(t *testing.T) {
	w := catalogtest.Start(t)
	alicefilms := eventstest.Catalog(t, "alicefilms")
	alias := accounts.Import{Catalog: films, Owner: w.Alice.Key, As: alicefilms}
	if err := w.Keeper().Import(t.Context(), w.Bob.Key, alias); err != nil {
		t.Fatal(err)
	}
	content := catalogtest.Content(50*chunk, 1)
	e := w.Library.Add("a.mp4", content)
	w.Serve(t)
	reader := func(o client.Origin) *client.Client {
		return bob(t, w, func(c *client.Config) {
			c.Origin = func(context.Context, events.Catalog) (client.Origin, error) { return o, nil }
		})
	}
	c := reader(client.Origin{Owner: w.Alice.Key, Catalog: films})
	contents, err := c.List(t.Context(), alicefilms)
	if err != nil || contents.Name != alicefilms || len(contents.Entries) != 1 {
		t.Fatalf("%v, %v", contents, err)
	}
	dir := t.TempDir()
	if _, err := c.Download(t.Context(), alicefilms, contents.Entries, dir, client.Options{}); err != nil {
		t.Fatal(err)
	}
	expectFile(t, dir, "a.mp4", content)
	f, err := c.Open(t.Context(), alicefilms, e)
	if err != nil {
		t.Fatal(err)
	}
	if f.Owner() != w.Alice.Key {
		t.Errorf("opened of %s", f.Owner())
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	for name, o := range map[string]client.Origin{
		"another's":       {Owner: w.Bob.Key, Catalog: films},
		"another catalog": {Owner: w.Alice.Key, Catalog: eventstest.Catalog(t, "music")},
	} {
		if _, err := reader(o).Open(t.Context(), alicefilms, e); !errors.Is(err, client.ErrImpostor) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := reader(client.Origin{}).List(t.Context(), films); !errors.Is(err, client.ErrOffline) {
		t.Errorf("by the name that it had before: %v", err)
	}
}

package embedded_test

import (
	"os"
	"path/filepath"
	"testing"

	"natster/deploy/accounts"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
	"natster/workloads/catalog/client"
)

func TestANewcomerIsGivenTheHubsCatalogAndCanReadIt(t *testing.T) {
	media := t.TempDir()
	if err := os.WriteFile(filepath.Join(media, "hello.txt"), []byte("welcome"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := worldtest.Start(t, func(c *worldtest.Config) { c.HubDir = media })
	alice, c := introduced(t, w, "alice")
	wait.Eventually(t, "alice has a share of the hub, online", func() bool {
		all, err := c.Shares(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(all) > 0 && all[0].Catalog == w.HubCatalog() && all[0].Online
	})
	hub := accounts.Import{Catalog: w.HubCatalog(), Owner: w.Accounts().Hub}
	if err := w.Keeper().Import(t.Context(), alice.Key, hub); err != nil {
		t.Fatal(err)
	}
	friend := client.New(client.Config{Conn: alice.Conn(t), Account: alice.Key})
	contents, err := friend.List(t.Context(), w.HubCatalog())
	if err != nil || len(contents.Entries) != 1 || contents.Entries[0].Path != "hello.txt" {
		t.Errorf("%+v, %v", contents, err)
	}
}

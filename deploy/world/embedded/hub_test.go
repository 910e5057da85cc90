package embedded_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"natster/deploy/accounts"
	"natster/functions/api"
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
	var share api.Share
	for deadline := time.Now().Add(20 * time.Second); share.Catalog != w.HubCatalog() || !share.Online; {
		if time.Now().After(deadline) {
			t.Fatalf("alice's share of the hub: %+v", share)
		}
		all, err := c.Shares(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(all) > 0 {
			share = all[0]
		}
	}
	if err := w.Keeper().Import(t.Context(), alice.Key, accounts.Import{Catalog: w.HubCatalog(), Owner: w.Accounts().Hub}); err != nil {
		t.Fatal(err)
	}
	contents, err := client.New(alice.Conn(t), alice.Key).List(t.Context(), w.HubCatalog())
	if err != nil || len(contents.Entries) != 1 || contents.Entries[0].Path != "hello.txt" {
		t.Errorf("%+v, %v", contents, err)
	}
}

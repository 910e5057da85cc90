package world_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"natster/deploy/accounts"
	"natster/deploy/world"
	"natster/internal/test/worldtest"
)

func TestWhatIsExportedRunsTheFunctionsElsewhere(t *testing.T) {
	w := worldtest.Start(t, func(c *worldtest.Config) { c.Elsewhere = true })
	dir := filepath.Join(t.TempDir(), "creds")
	fns, err := world.Export(t.Context(), w.Config().Dir, dir, "https://example.net/claim")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others can get at %s: %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	s := world.Service(dir)
	again, err := s.Functions()
	if err != nil || len(again) != len(fns) {
		t.Errorf("%d functions, %v; exported were %d", len(again), err, len(fns))
	}
	for _, f := range again {
		creds, err := os.ReadFile(filepath.Join(dir, f.Name+".creds"))
		if err != nil {
			t.Error(err)
			continue
		}
		nc, err := s.Connect(t.Context(), creds)
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		nc.Close()
	}
	one, err := s.Curve()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := world.Export(t.Context(), w.Config().Dir, dir, ""); err != nil {
		t.Fatal(err)
	}
	two, err := s.Curve()
	if err != nil {
		t.Fatal(err)
	}
	a, errA := one.PublicKey()
	b, errB := two.PublicKey()
	if a != b || errA != nil || errB != nil {
		t.Error("what was sealed before is lost")
	}
	if err := os.Remove(filepath.Join(dir, "vault.seed")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Curve(); !errors.Is(err, world.ErrNoService) {
		t.Errorf("without the vault's key: %v", err)
	}
	if all, err := s.Functions(); err != nil || len(all) != len(fns) {
		t.Errorf("without the vault's key: %d functions, %v; all are listed", len(all), err)
	}
}

func TestExportsThatCannotBe(t *testing.T) {
	if _, err := world.Export(t.Context(), t.TempDir(), t.TempDir(), ""); !errors.Is(err, accounts.ErrNoWorld) {
		t.Error(err)
	}
	if _, err := world.Service(t.TempDir()).Connect(t.Context(), nil); !errors.Is(err, world.ErrNoService) {
		t.Error(err)
	}
}

// The functions elsewhere know nothing but this: by it eventwriter keeps the hub's name, otc and queries know the site.
func TestWhatIsExportedSaysWhereTheWorldIsAndWhoIsWho(t *testing.T) {
	w := worldtest.Start(t, worldtest.Bare)
	at, dir := w.Config().Dir, t.TempDir()
	if _, err := world.Export(t.Context(), at, dir, "https://natster.example/claim"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "service.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	who := w.Accounts()
	want := map[string]any{
		"url": w.URL(), "hub_catalog": w.HubCatalog().String(), "claim_url": "https://natster.example/claim",
		"world": at, "accounts": map[string]any{
			"system": who.System.String(), "global": who.Global.String(),
			"data": who.Data.String(), "feed": who.Feed.String(),
			"hub": who.Hub.String(), "site": who.Site.String(),
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("service.json is %s, want %v", text, want)
	}
}

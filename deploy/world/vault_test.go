package world_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"natster/deploy/accounts"
	"natster/deploy/world"
	"natster/internal/private"
	"natster/internal/test/worldtest"
)

// losesSeeds holds do to refusing a world that has lost one of its seeds, and to making none in its place.
func losesSeeds(t *testing.T, dir string, do func() error) {
	t.Helper()
	for _, name := range []string{"vault.seed", "web.seed"} {
		path := filepath.Join(dir, name)
		seed, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if _, lost := errors.AsType[*world.SeedError](do()); !lost {
			t.Errorf("a world without %s is taken as it is", name)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v; another seed opens nothing that was sealed to the old one", name, err)
		}
		if err := private.WriteFile(path, seed); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAProvisionedWorldNoticesALostSeed(t *testing.T) {
	dir := t.TempDir()
	provision := func() error {
		_, err := world.Provision(t.Context(), dir, "nats://127.0.0.1:1", 1)
		return err
	}
	if err := provision(); !errors.Is(err, accounts.ErrNotRunning) { // the seeds are made by then
		t.Fatal(err)
	}
	losesSeeds(t, dir, provision)
	if err := provision(); !errors.Is(err, accounts.ErrNotRunning) {
		t.Errorf("with its seeds again: %v", err)
	}
}

func TestSeedsThatWereLostAreNotExported(t *testing.T) {
	w := worldtest.Start(t, worldtest.Bare)
	dir := w.Config().Dir
	losesSeeds(t, dir, func() error {
		_, err := world.Export(t.Context(), dir, t.TempDir(), "")
		return err
	})
}

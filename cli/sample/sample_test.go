package sample_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"natster/cli/sample"
)

func TestSamplesThatThePowerWentOffOverAreMended(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "media")
	if mended, err := sample.Restore(dir); err != nil || len(mended) > 0 {
		t.Fatalf("at first: %v, %v", mended, err)
	}
	own := filepath.Join(dir, "mine.txt")
	empty, gone := filepath.Join(dir, "texts", "hello.md"), filepath.Join(dir, "sound", "chime.wav")
	for _, err := range []error{os.WriteFile(own, []byte("mine"), 0o600), os.Truncate(empty, 0), os.Remove(gone)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if mended, err := sample.Restore(dir); err != nil || !slices.Equal(mended, []string{"texts/hello.md"}) {
		t.Errorf("mended %v, %v", mended, err)
	}
	err := fs.WalkDir(sample.Media(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		want, err := fs.ReadFile(sample.Media(), name)
		if have, readErr := os.ReadFile(filepath.Join(dir, name)); readErr != nil || string(have) != string(want) {
			t.Errorf("%s has %d bytes, %v; want %d", name, len(have), readErr, len(want))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(own); err != nil || string(text) != "mine" {
		t.Errorf("a file of one's own has %q, %v", text, err)
	}
}

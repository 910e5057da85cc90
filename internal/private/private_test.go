package private_test

import (
	"os"
	"path/filepath"
	"testing"

	"natster/internal/private"
)

func TestFilesAndDirectoriesAreTheirOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := private.Mkdir(dir); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("for everybody"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := private.WriteFile(file, []byte("mine")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{dir: private.DirMode, file: private.FileMode} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want mode %s", path, info, err, want)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "mine" {
		t.Errorf("the file has %q, %v", text, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("the directory has %v, %v", left, err)
	}
}

func TestAFileCannotBeWrittenWhereNoDirectoryIs(t *testing.T) {
	if err := private.WriteFile(filepath.Join(t.TempDir(), "none", "file"), nil); err == nil {
		t.Error("no error")
	}
}

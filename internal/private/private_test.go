package private_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
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
	for path, want := range map[string]os.FileMode{dir: 0o700, file: private.FileMode} {
		if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != want {
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

func TestAFileThatIsNotReplacedLeavesTheOldOneAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := private.WriteFile(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	f, err := private.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(f.Name()) != dir { // elsewhere may be another disk, from which it could not be renamed
		t.Errorf("it is written in %s", filepath.Dir(f.Name()))
	}
	if _, err := f.WriteString("half of the new"); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "old" {
		t.Errorf("while it is written: %q, %v", text, err)
	}
	f.Discard()
	if text, err := os.ReadFile(path); err != nil || string(text) != "old" {
		t.Errorf("when it was discarded: %q, %v", text, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("the directory has %v, %v", left, err)
	}
	if err := f.Replace(); err == nil {
		t.Error("a discarded file replaces another")
	}
}

func TestADirectoryIsNotReplacedByAFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "taken")
	if err := private.MkdirAll(filepath.Join(path, "below")); err != nil {
		t.Fatal(err)
	}
	if err := private.WriteFile(path, []byte("x")); err == nil {
		t.Error("no error")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("the directory has %v, %v", left, err)
	}
}

func TestACurveKeyIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "curve.seed")
	public := func() string {
		t.Helper()
		key, err := private.CurveKey(path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := key.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := public()
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != private.FileMode {
		t.Errorf("the seed's file: %v, %v", info, err)
	}
	if again := public(); again != first {
		t.Errorf("first %s, then %s", first, again)
	}
	if err := private.WriteFile(path, []byte("no seed")); err != nil {
		t.Fatal(err)
	}
	if _, err := private.CurveKey(path); !errors.Is(err, private.ErrKey) {
		t.Errorf("of a damaged file: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "no seed" {
		t.Errorf("the damaged file is now %q, %v", text, err)
	}
	loop := filepath.Join(filepath.Dir(path), "loop") // a file that is there, and cannot be read by anyone
	if err := os.Symlink("loop", loop); err == nil {  // without the right to, as on Windows, there is none
		if _, err := private.CurveKey(loop); err == nil {
			t.Error("a key that cannot be read is replaced by another")
		}
	}
	if _, err := private.CurveKey(filepath.Join(path, "below a file")); err == nil || errors.Is(err, private.ErrKey) {
		t.Errorf("where no file can be: %v", err)
	}
}

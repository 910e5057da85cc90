package private

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// Modes of what this package makes, for whoever makes files by other means.
const (
	DirMode  os.FileMode = 0o700
	FileMode os.FileMode = 0o600
)

// Mkdir makes dir, with its parents, and takes everybody else's rights to it away.
func Mkdir(dir string) error {
	if err := os.MkdirAll(dir, DirMode); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() == DirMode {
		return err
	}
	return os.Chmod(dir, DirMode)
}

// WriteFile replaces the file at once, and returns when it would survive a power cut. Its directory has to exist.
func WriteFile(path string, content []byte) error {
	dir := filepath.Dir(path)
	f, err := renameio.NewPendingFile(path, renameio.WithStaticPermissions(FileMode), renameio.WithTempDir(dir))
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return errors.Join(err, f.Cleanup())
	}
	if err := f.CloseAtomicallyReplace(); err != nil { // syncs the file
		return errors.Join(err, f.Cleanup())
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

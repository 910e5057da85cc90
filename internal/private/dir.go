package private

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const dirMode os.FileMode = 0o700

// Mkdir makes dir, with its parents, and takes all others' rights to it away. It returns when a directory that it
// made would survive a power cut.
func Mkdir(dir string) error {
	if err := MkdirAll(dir); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil || !Exposed(info) {
		return err
	}
	return os.Chmod(dir, dirMode)
}

// MkdirAll is Mkdir that leaves the mode of a directory that was there before as it is.
func MkdirAll(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return &os.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	parent := filepath.Dir(dir)
	if err := MkdirAll(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return Sync(parent)
}

package private

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
	"golang.org/x/sync/errgroup"
)

// Modes of what this package makes, for whoever makes files by other means.
const (
	DirMode  os.FileMode = 0o700
	FileMode os.FileMode = 0o600
)

// Mkdir makes dir, with its parents, and takes everybody else's rights to it away. It returns when a directory that it made
// would survive a power cut.
func Mkdir(dir string) error {
	if err := MkdirAll(dir); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() == DirMode {
		return err
	}
	return os.Chmod(dir, DirMode)
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
	if err := os.Mkdir(dir, DirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return Sync(parent)
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
	return Sync(dir)
}

// Sync returns when the file or directory at path would survive a power cut as it is. That of a directory is its list of
// names.
func Sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncs is how many syncs SyncTree has under way: file systems make one of those that come together.
const syncs = 32

// SyncTree syncs all files and directories below dir, and dir, but for files that skip says may be left out. What is removed
// meanwhile needs no sync.
func SyncTree(dir string, skip func(path string) bool) error {
	var g errgroup.Group
	g.SetLimit(syncs)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case !e.IsDir() && (!e.Type().IsRegular() || skip != nil && skip(path)):
			return nil
		}
		g.Go(func() error {
			if err := Sync(path); !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		})
		return nil
	})
	return errors.Join(err, g.Wait())
}

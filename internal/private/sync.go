package private

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// Sync returns when the file or directory at path would survive a power cut as it is. That of a directory is its list
// of names.
func Sync(path string) error {
	mode := os.O_RDONLY
	if runtime.GOOS == "windows" {
		info, err := os.Stat(path)
		if err != nil || info.IsDir() {
			return err // a directory cannot be synced there; the file system's journal has its names
		}
		mode = os.O_RDWR // and a file only when opened for writing
	}
	f, err := os.OpenFile(path, mode, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncs is how many syncs SyncTree has under way: file systems make one of those that come together.
const syncs = 32

// SyncTree syncs all files and directories below dir, and dir, but for files that skip says may be left out. What is
// removed meanwhile needs no sync.
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

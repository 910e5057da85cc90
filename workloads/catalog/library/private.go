package library

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// ErrPrivate means that a directory is one of Config.Private, or lies in one.
var ErrPrivate = errors.New("it holds what nobody else may see")

// privateDirs are those of Config.Private that are there.
func (c Config) privateDirs() (all []fs.FileInfo) {
	for _, dir := range c.Private {
		if fi, err := os.Stat(dir); err == nil {
			all = append(all, fi)
		}
	}
	return all
}

// refusePrivate returns an error that wraps [ErrPrivate] if dir is private.
func (c Config) refusePrivate(dir string) error {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	private := c.privateDirs()
	for at := dir; len(private) > 0; at = filepath.Dir(at) {
		if fi, err := os.Stat(at); err == nil && sameAsOne(fi, private) {
			return fmt.Errorf("%s: %w", dir, ErrPrivate)
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	return nil
}

func sameAsOne(fi fs.FileInfo, of []fs.FileInfo) bool {
	return slices.ContainsFunc(of, func(o fs.FileInfo) bool { return os.SameFile(fi, o) })
}

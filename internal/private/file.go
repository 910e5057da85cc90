package private

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// FileMode is the mode of the files of this package, for callers that make files by other means.
const FileMode os.FileMode = 0o600

// Exposed reports whether others than the owner have any right to the file or directory that info is about. On Windows
// it reports false: the mode says nothing there.
func Exposed(info fs.FileInfo) bool { return exposed(runtime.GOOS, info.Mode()) }

func exposed(system string, mode fs.FileMode) bool {
	return system != "windows" && mode.Perm()&0o077 != 0
}

// WriteFile replaces the file at path by one with the content, and returns when it would survive a power cut. Its
// directory has to exist.
func WriteFile(path string, content []byte) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	defer f.Discard()
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := f.Replace(); err != nil {
		return err
	}
	return Sync(filepath.Dir(path))
}

// A File is being written, under another name in the directory where it is to stand.
type File struct {
	*os.File
	path string // where it is to stand
	open bool
	kept bool
}

// Create makes the file that is to replace the one at path. Call [File.Discard] when done with it.
func Create(path string) (*File, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"*") // its mode is FileMode
	if err != nil {
		return nil, err
	}
	return &File{File: f, path: path, open: true}, nil
}

// Replace puts f, as written until now, in the place of the file at its path, and closes it. After a power cut there is
// one of the two; to be sure that it is this one, [Sync] its directory.
func (f *File) Replace() error {
	if err := f.Sync(); err != nil {
		return err
	}
	f.open = false
	if err := f.Close(); err != nil {
		return err
	}
	if err := rename(f.Name(), f.path); err != nil {
		return err
	}
	f.kept = true
	return nil
}

// Discard closes and removes f unless it has replaced the file at its path.
func (f *File) Discard() {
	if f.open {
		_ = f.Close() // what is removed need not be whole
	}
	if !f.kept {
		_ = os.Remove(f.Name()) // a stray file of the owner's does no harm
	}
}

// rename is os.Rename, tried again for a moment on Windows, where a file that is being read cannot be replaced.
func rename(from, to string) error {
	const tries, pause = 50, 10 * time.Millisecond
	err := os.Rename(from, to)
	for i := 0; i < tries && err != nil && runtime.GOOS == "windows" && !errors.Is(err, os.ErrNotExist); i++ {
		time.Sleep(pause)
		err = os.Rename(from, to)
	}
	return err
}

// Package sample holds the media that natster's demo shares when it is given none. README.md says where they come from.
package sample

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"natster/internal/private"
)

//go:embed media
var files embed.FS

// Media returns the files, in directories as a person would keep them.
func Media() fs.FS {
	media, err := fs.Sub(files, "media")
	if err != nil {
		panic(fmt.Sprintf("sample: %v", err)) // the directory is embedded above
	}
	return media
}

// Restore writes the files to dir, each replaced at once and synced, and returns the names of those that were there
// with other content, for instance after a power cut. Other files in dir stay.
func Restore(dir string) (repaired []string, err error) {
	media := Media()
	err = fs.WalkDir(media, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if e.IsDir() {
			return private.MkdirAll(path)
		}
		want, err := fs.ReadFile(media, name)
		if err != nil {
			return err
		}
		have, err := os.ReadFile(path)
		switch {
		case err == nil && bytes.Equal(have, want):
			return nil
		case err == nil:
			repaired = append(repaired, name)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
		return private.WriteFile(path, want)
	})
	if err != nil {
		return repaired, fmt.Errorf("sample media in %s: %w", dir, err)
	}
	return repaired, nil
}

// Package sample holds the media that natster's demo shares when it is given none. README.md says where they come from.
package sample

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed media
var files embed.FS

// Media are the files, in directories as a person would keep them.
func Media() fs.FS {
	media, err := fs.Sub(files, "media")
	if err != nil {
		panic(fmt.Sprintf("sample: %v", err)) // the directory is embedded above
	}
	return media
}

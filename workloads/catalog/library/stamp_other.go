//go:build !unix

package library

import (
	"io/fs"
	"os"
)

const openFlags = os.O_RDONLY

func inodeOf(fs.FileInfo) (inode uint64, ctime int64) { return 0, 0 }

// unlinked cannot be known here; the library's own look at the directory finds it out.
func unlinked(fs.FileInfo) bool { return false }

//go:build unix

package library

import (
	"io/fs"
	"os"
	"syscall"
)

// openFlags: without O_NONBLOCK, opening a pipe that took a file's place would wait for a writer, perhaps for ever.
const openFlags = os.O_RDONLY | syscall.O_NONBLOCK

func inode(fi fs.FileInfo) uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Ino)
	}
	return 0
}

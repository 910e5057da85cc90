//go:build unix

package library

import (
	"io/fs"
	"os"
	"syscall"
)

// openFlags: without O_NONBLOCK, opening a pipe that took a file's place would wait for a writer, perhaps for ever.
const openFlags = os.O_RDONLY | syscall.O_NONBLOCK

func inodeOf(fi fs.FileInfo) (inode uint64, ctime int64) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0
	}
	return uint64(st.Ino), changeTime(st)
}

// unlinked reports whether an open file has no name any more.
func unlinked(fi fs.FileInfo) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && st.Nlink == 0
}

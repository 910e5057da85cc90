package client

import (
	"os"

	"golang.org/x/sys/unix"
)

// writeback starts to write n bytes at off to the disk, without waiting: the sync before the file gets its name then finds
// little left to do. It is only a hint.
func writeback(f *os.File, off, n int64) {
	_ = unix.SyncFileRange(int(f.Fd()), off, n, unix.SYNC_FILE_RANGE_WRITE)
}

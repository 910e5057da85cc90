package client

import (
	"os"

	"golang.org/x/sys/unix"
)

// writeback asks the system to write n bytes at off to the disk and does not wait, so that little is left for the sync
// before the file gets its name.
func writeback(f *os.File, off, n int64) {
	_ = unix.SyncFileRange(int(f.Fd()), off, n, unix.SYNC_FILE_RANGE_WRITE)
}

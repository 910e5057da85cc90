package library

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// systemOf is the device and, because a device's number is given to the next disk too, the id that the file system has.
func systemOf(path string, fi fs.FileInfo) string {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	var f unix.Statfs_t
	_ = unix.Statfs(path, &f) // without it the device says enough
	return fmt.Sprintf("%x.%x%08x", st.Dev, uint32(f.Fsid.Val[0]), uint32(f.Fsid.Val[1]))
}

// isMount reports whether an open directory is the root of something mounted.
func isMount(dir *os.File) bool {
	var st unix.Statx_t
	err := unix.Statx(int(dir.Fd()), "", unix.AT_EMPTY_PATH|unix.AT_NO_AUTOMOUNT, 0, &st)
	return err == nil && st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
}

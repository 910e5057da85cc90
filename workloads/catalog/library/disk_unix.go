//go:build unix && !linux

package library

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// systemOf is the number of the device.
func systemOf(_ string, fi fs.FileInfo) string {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%x", st.Dev)
}

// isMount is not known here: only the catalog's directory as a whole is known to be away.
func isMount(*os.File) bool { return false }

package client

import "syscall"

// badNameHere reports Windows' own errors about names: ERROR_INVALID_NAME, ERROR_FILENAME_EXCED_RANGE.
func badNameHere(n syscall.Errno) bool { return n == 123 || n == 206 }

//go:build !unix && !windows

package embedded

import "errors"

// freeSpace is not known here; a full disk shows when the server writes.
func freeSpace(string) (uint64, error) { return 0, errors.ErrUnsupported }

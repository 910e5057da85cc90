//go:build !unix

package world

import "errors"

// freeSpace is not known here; a full disk shows when the server writes.
func freeSpace(string) (uint64, error) { return 0, errors.ErrUnsupported }

package client

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// diskError wraps err in the error of this package that says what is wrong with the disk, if there is one.
func diskError(err error) error {
	switch {
	case isOneOf(err, syscall.ENOSPC, syscall.EDQUOT):
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	case errors.Is(err, syscall.EFBIG):
		return fmt.Errorf("%w: %w", ErrTooLong, err)
	}
	return err
}

// badName reports whether a file could not be made because of its name.
func badName(err error) bool {
	n, ok := errors.AsType[syscall.Errno](err)
	return ok && badNameHere(n) || isOneOf(err, syscall.EINVAL, syscall.ENAMETOOLONG, syscall.EILSEQ, fs.ErrInvalid)
}

// notADirectory reports whether something else is where a directory should be.
func notADirectory(err error) bool { return isOneOf(err, syscall.ENOTDIR, fs.ErrExist) }

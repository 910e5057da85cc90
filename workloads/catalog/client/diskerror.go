package client

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// diskError makes plain what the disk says: it is full, cannot be written to, or has no place for what is asked of it.
func diskError(err error) error {
	for _, row := range diskErrors {
		if errors.Is(err, row.is) {
			return fmt.Errorf("%w: %w", row.plain, err)
		}
	}
	return err
}

var diskErrors = []struct {
	is    error
	plain error
}{
	{syscall.ENOSPC, ErrDiskFull},
	{syscall.EDQUOT, ErrDiskFull},
	{syscall.EROFS, ErrReadOnly},
	{syscall.EFBIG, ErrTooLong},
}

// badName tells whether a file could not be made because of its name.
func badName(err error) bool {
	for _, e := range []error{syscall.EINVAL, syscall.ENAMETOOLONG, syscall.EILSEQ, fs.ErrInvalid} {
		if errors.Is(err, e) {
			return true
		}
	}
	n, ok := errors.AsType[syscall.Errno](err)
	return ok && badNameHere(n)
}

// notADirectory tells whether something else stands where a directory should be.
func notADirectory(err error) bool {
	return errors.Is(err, syscall.ENOTDIR) || errors.Is(err, fs.ErrExist)
}

//go:build !unix

package term

import (
	"context"
	"os"
)

// readerGone cannot be told here without writing.
func readerGone(context.Context, *os.File) bool { return false }

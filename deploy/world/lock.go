package world

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"natster/internal/private"
)

// ErrRunning is wrapped by errors about a world that this process or another runs already.
var ErrRunning = errors.New("the world is running already")

// lockTimeout bounds how long Lock waits for a world that is ending.
const lockTimeout = 200 * time.Millisecond

// Lock locks the world in dir for the process that runs or provisions it, until unlock is called. It fails with
// ErrRunning while the world is locked already.
func Lock(ctx context.Context, dir string) (unlock func() error, err error) {
	lock := flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(private.FileMode))
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	locked, err := lock.TryLockContext(ctx, lockTimeout/20)
	if locked {
		return lock.Close, nil // closing is what unlocks
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("world: lock %s: %w", dir, err)
	}
	if info, err := Find(dir); err == nil {
		return nil, fmt.Errorf("%s: %w (process %d, %s)", dir, ErrRunning, info.PID, info.URL)
	}
	return nil, fmt.Errorf("%s: %w", dir, ErrRunning)
}

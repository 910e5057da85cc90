package term

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
)

// An Output is a stream that remembers the first write that failed: a command whose results could not be written has
// not succeeded. Its methods may be called concurrently.
type Output struct {
	Writer io.Writer
	Gone   func() // is called when the reader of Writer has gone, which takes away the purpose of the command
	mu     sync.Mutex
	err    error
}

// Write writes b. It returns the error of the first write that failed.
func (o *Output) Write(b []byte) (int, error) {
	n, err := o.Writer.Write(b)
	if err == nil {
		return n, nil
	}
	if errors.Is(err, syscall.EPIPE) {
		o.Gone()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = fmt.Errorf("write the result: %w", err)
	}
	return n, o.err
}

// Err returns the error of the first write that failed, or nil.
func (o *Output) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// WatchReader calls gone when the reader has gone, also while there is nothing to print; stop ends the watch. Where the
// system does not tell, the next write does.
func (o *Output) WatchReader(ctx context.Context) (stop func()) {
	f, ok := o.Writer.(*os.File)
	if !ok {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		if readerGone(ctx, f) {
			o.Gone()
		}
	})
	return func() {
		cancel()
		watch.Wait()
	}
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
)

// errReaderGone is why a run ends when whoever read what it prints has gone: he had enough, and nothing went wrong.
var errReaderGone = errors.New("nobody reads the results any more")

// results is stdout that remembers the first write that failed: a command whose results went nowhere has not succeeded. When
// its reader has gone, so is the command's purpose, and gone is called.
type results struct {
	io.Writer
	gone func()
	mu   sync.Mutex
	err  error
}

func (r *results) Write(b []byte) (int, error) {
	n, err := r.Writer.Write(b)
	if err == nil {
		return n, nil
	}
	if errors.Is(err, syscall.EPIPE) {
		r.gone()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = fmt.Errorf("write the result: %w", err)
	}
	return n, r.err
}

func (r *results) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// endWithReader ends a run that prints on and on when whoever reads that has gone, also while there is nothing to print;
// stop ends the watch. Where the system cannot tell, the next print does.
func (r *results) endWithReader(ctx context.Context) (stop func()) {
	f, ok := r.Writer.(*os.File)
	if !ok {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		if readerGone(ctx, f) {
			r.gone()
		}
	})
	return func() {
		cancel()
		watch.Wait()
	}
}

package cli

import (
	"fmt"
	"io"
	"sync"
)

// results is stdout that remembers the first write that failed: a command whose results went nowhere has not succeeded.
type results struct {
	io.Writer
	mu  sync.Mutex
	err error
}

func (r *results) Write(b []byte) (int, error) {
	n, err := r.Writer.Write(b)
	if err == nil {
		return n, nil
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

package catalogtest

import (
	"context"
	"slices"
	"sync"

	"natster/functions/api"
)

// Shares is a [server.Shares] that says what the test wants.
type Shares struct {
	mu       sync.Mutex
	list     []api.Share
	err      error
	looks    int
	observed uint64
}

// Set makes list the shares from now on.
func (s *Shares) Set(list ...api.Share) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = list
}

// Fail makes every look fail with err, or succeed again for nil.
func (s *Shares) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// Looks is how often Shares was called.
func (s *Shares) Looks() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.looks
}

// Observed is the highest position observed.
func (s *Shares) Observed() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.observed
}

// Shares returns what was set.
func (s *Shares) Shares(context.Context) ([]api.Share, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	return slices.Clone(s.list), s.err
}

// Observe keeps the highest position.
func (s *Shares) Observe(p uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observed = max(s.observed, p)
}

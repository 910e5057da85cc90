package nex

import (
	"errors"
	"fmt"
	"strings"
)

// The errors that a caller can distinguish.
var (
	ErrNoNode    = errors.New("no Nex node answers (start one with: nex --config nex.json node up)")
	ErrNoBid     = errors.New("no Nex node can run it")
	ErrSchema    = errors.New("the nexlet does not accept this start request")
	ErrLifecycle = errors.New("the nexlet does not have this lifecycle")
	ErrTooLarge  = errors.New("the deploy is larger than a node can store")
	ErrNoAnswer  = errors.New("a node bid, and then did not answer")
	ErrRefused   = errors.New("refused")
	ErrNotFound  = errors.New("no such workload")
	ErrNotReady  = errors.New("not ready in time")
	ErrUnknown   = errors.New("nothing of that name can be deployed")
)

// failures collects the errors of several workloads. Often all have the same cause, so only the first is printed in
// full and the others by name; [errors.Is] finds each.
type failures struct {
	names []string
	all   []error
}

func (f *failures) add(name string, err error) {
	f.names = append(f.names, name)
	f.all = append(f.all, fmt.Errorf("%s: %w", name, err))
}

func (f *failures) err() error {
	const few = 3
	if len(f.all) <= few {
		return errors.Join(f.all...)
	}
	return f
}

func (f *failures) Error() string {
	return fmt.Sprintf("%v; and %d more failed: %s", f.all[0], len(f.all)-1, strings.Join(f.names[1:], ", "))
}

func (f *failures) Unwrap() []error { return f.all }

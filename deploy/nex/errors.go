package nex

import "errors"

// What a caller can tell apart.
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

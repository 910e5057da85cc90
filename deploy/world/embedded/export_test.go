package embedded

import (
	"errors"
	"fmt"

	"natster/deploy/accounts"
)

// MaxStore is what JetStream lets the world's streams have in all, in bytes.
func (w *World) MaxStore() int64 { return w.running().JetStreamConfig().MaxStore }

// ErrNoFunction means that no function of the world has that name.
var ErrNoFunction = errors.New("no such function")

// FunctionCreds are the credentials of a function's own user, which may do what the function declares and nothing else.
func (w *World) FunctionCreds(name string) (accounts.Creds, error) {
	creds, ok := w.functions.creds[name]
	if !ok || name == accounts.AdminUser {
		return nil, fmt.Errorf("%q: %w", name, ErrNoFunction)
	}
	return creds, nil
}

// KillFunction cuts a function's connection, as a crash would; the world starts the function again.
func (w *World) KillFunction(name string) error {
	w.functions.mu.Lock()
	defer w.functions.mu.Unlock()
	nc, ok := w.functions.conns[name]
	if !ok {
		return fmt.Errorf("%q: %w", name, ErrNoFunction)
	}
	nc.Close()
	return nil
}

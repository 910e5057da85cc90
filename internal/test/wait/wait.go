// Package wait is how tests wait: for a fact, never for a time to pass.
//
//	wait.go  Patience; Eventually, For, Receive, First, Message, Context
package wait

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// Patience is how long a test waits for what must happen. Only a failure takes that long.
const Patience = time.Minute

// pause is how long to wait before looking again.
const pause = 2 * time.Millisecond

// Eventually returns as soon as is returns true. It ends the test with what if that does not happen within [Patience].
func Eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !is(); time.Sleep(pause) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", Patience, what)
		}
	}
}

// For returns the first result of try that comes without an error. It ends the test with what and the last error if
// none does within [Patience].
func For[T any](t testing.TB, what string, try func() (T, error)) T {
	t.Helper()
	var last error
	for end := time.Now().Add(Patience); ; time.Sleep(pause) {
		v, err := try()
		if err == nil {
			return v
		}
		if last = err; time.Now().After(end) {
			t.Fatalf("not within %s: %s: %v", Patience, what, last)
		}
	}
}

// Receive returns the next value of ch, the zero value if it is closed. It ends the test with what if none comes within
// [Patience].
func Receive[T any](t testing.TB, what string, ch <-chan T) T {
	t.Helper()
	return First(t, what, ch, func(T) bool { return true })
}

// First is Receive of the first value that is what is waited for; others before it are dropped.
func First[T any](t testing.TB, what string, ch <-chan T, is func(T) bool) T {
	t.Helper()
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	for {
		select {
		case v := <-ch:
			if is(v) {
				return v
			}
		case <-timer.C:
			t.Fatalf("not within %s: %s", Patience, what)
		}
	}
}

// Message returns the next message of sub, which must come within [Patience].
func Message(t testing.TB, sub *nats.Subscription) *nats.Msg {
	t.Helper()
	m, err := sub.NextMsg(Patience)
	if err != nil {
		t.Fatalf("no message on %s: %v", sub.Subject, err)
	}
	return m
}

// Context returns the test's context with [Patience] as its timeout.
func Context(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	t.Cleanup(cancel)
	return ctx
}

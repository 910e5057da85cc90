// Package supervise keeps a task running: whenever it ends by itself, it is started again after a pause.
//
//	supervise.go  Run and Go, and Contain, which turns a panic into an error
package supervise

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"natster/internal/backoff"
)

// A Task runs until ctx is done, and then finishes what it has begun. It calls ready once it does what it is for. It
// may be run many times, one run after the other.
type Task func(ctx context.Context, ready func()) error

// Config says how to supervise a task. Its zero value does, without a log.
type Config struct {
	Logger *slog.Logger // nil: nothing is logged
	// Pause is how long a task that ended by itself stays down, attempt being 1 for the first time in a row. A run of a
	// minute breaks the row. If nil it doubles from 250 ms to 30 s.
	Pause func(attempt int) time.Duration
	// Level is at which level it is logged that a task ended by itself. If nil it is an error.
	Level func() slog.Level
	// Report, if not nil, is called with nil whenever the task is ready, and with the reason whenever it has ended by
	// itself. It may end the context.
	Report func(error)
}

// steady is how long a run takes at least after which the pauses begin anew.
const steady = time.Minute

// ErrEnded is the reason of a task that ended by itself without an error.
var ErrEnded = errors.New("it ended by itself")

// ErrPanic is wrapped by the error of what panicked.
var ErrPanic = errors.New("panic")

func (c Config) withDefaults() Config {
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.Pause == nil {
		c.Pause = backoff.Doubling(250*time.Millisecond, 30*time.Second)
	}
	if c.Level == nil {
		c.Level = func() slog.Level { return slog.LevelError }
	}
	if c.Report == nil {
		c.Report = func(error) {}
	}
	return c
}

// Run runs the task again and again until ctx is done, and returns when it has ended. A panic of the task ends one run,
// with an error that wraps [ErrPanic]; its stack is logged.
func Run(ctx context.Context, c Config, task Task) {
	c = c.withDefaults()
	for attempt := 1; ctx.Err() == nil; attempt++ {
		began := time.Now()
		err := once(ctx, c, task)
		if ctx.Err() != nil {
			if err != nil && !errors.Is(err, context.Canceled) {
				c.Logger.Warn("stopped badly", "err", err)
			}
			return
		}
		if err == nil {
			err = ErrEnded
		}
		if c.Report(err); ctx.Err() != nil {
			return
		}
		if time.Since(began) >= steady {
			attempt = 1
		}
		pause := c.Pause(attempt)
		c.Logger.Log(ctx, c.Level(), "failed; it is started again", "in", pause, "err", err)
		_ = backoff.Sleep(ctx, pause) // its end is seen above
	}
}

func once(ctx context.Context, c Config, task Task) (err error) {
	defer Contain(c.Logger, &err)
	return task(ctx, func() { c.Report(nil) })
}

// Contain is deferred where a panic is an error like any other: it sets *err, which then wraps [ErrPanic], and logs the
// stack. A goroutine that a task starts begins with it.
func Contain(log *slog.Logger, err *error) {
	if p := recover(); p != nil {
		log.Error("panic", "value", p, "stack", string(debug.Stack()))
		*err = fmt.Errorf("%w: %v", ErrPanic, p)
	}
}

// A Running task is one under supervision in the background.
type Running struct {
	cancel context.CancelFunc
	first  chan error    // nil or an error, once
	ended  chan struct{} // closed when nothing of it runs
}

// Go is [Run] in the background, until ctx is done or Stop is called. A first run that ends before it was ready has no
// second: its error is what Started returns.
func Go(ctx context.Context, c Config, task Task) *Running {
	ctx, cancel := context.WithCancel(ctx)
	r := &Running{cancel: cancel, first: make(chan error, 1), ended: make(chan struct{})}
	report, isFirst := c.Report, true
	c.Report = func(err error) {
		if report != nil {
			report(err)
		}
		if !isFirst {
			return
		}
		isFirst = false
		if r.first <- err; err != nil {
			cancel()
		}
	}
	go func() {
		defer close(r.ended)
		Run(ctx, c, task)
	}()
	return r
}

// Started returns nil when the task is ready for the first time, the error of a first run that ended before it was, and
// the cause of ctx should that end first. It is to be called once.
func (r *Running) Started(ctx context.Context) error {
	select {
	case err := <-r.first:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-r.ended:
	}
	select { // it may have been ready before it ended
	case err := <-r.first:
		return err
	default:
		return context.Canceled
	}
}

// Wait returns when the task has ended and nothing of it runs any more.
func (r *Running) Wait() { <-r.ended }

// Stop ends the task and waits for that. It may be called again.
func (r *Running) Stop() {
	r.cancel()
	r.Wait()
}

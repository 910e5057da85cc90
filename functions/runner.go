package functions

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nats.go/micro"

	"natster/events"
	"natster/functions/view"
	"natster/internal/backoff"
	"natster/internal/jet"
)

// Config is what a [Runner] needs beside the function. Conn is required; the rest has a default.
type Config struct {
	Conn     *nats.Conn       // the function's own, under its own user; stays the caller's to close
	Version  string           // semantic version, shown by discovery; 0.0.0 if empty
	Logger   *slog.Logger     // slog.Default if nil
	Now      func() time.Time // time.Now if nil
	Deadline time.Duration    // of one request; 5 s if 0
	// Most is how many requests are handled at once, and half of it how many of one account; more are answered with "too
	// many" at once. 256 if 0.
	Most int
	// Attempts is how often a message is tried before it counts as poison; 12 (about two minutes) if 0. It never does for as
	// long as what the handler needs is [api.ErrUnavailable]: that says nothing of the message.
	Attempts int
	// Backoff is how long after a failed attempt, the first being 1, the next begins. If nil it doubles from 100 ms to
	// 30 s.
	Backoff func(attempt int) time.Duration
	// Refuse, if not nil, says why nothing new can be kept just now, nil if it can. Requests that write are answered with it,
	// and all others are told beside their answer.
	Refuse func() error
	// Observe, if not nil, is called after every trigger handled. It must not block.
	Observe func(Observation)
}

// An Observation is one trigger handled.
type Observation struct {
	Function string
	Trigger  Kind
	Took     time.Duration
	Err      error // nil, or why it failed or was refused
}

func (c Config) withDefaults() Config {
	if c.Version == "" {
		c.Version = "0.0.0"
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Deadline == 0 {
		c.Deadline = 5 * time.Second
	}
	if c.Most == 0 {
		c.Most = 256
	}
	if c.Attempts == 0 {
		c.Attempts = 12
	}
	if c.Refuse == nil {
		c.Refuse = func() error { return nil }
	}
	if c.Backoff == nil {
		c.Backoff = backoff.Doubling(100*time.Millisecond, 30*time.Second)
	}
	return c
}

// A Runner runs one function. It may run once.
type Runner struct {
	fn      Function
	cfg     Config
	log     *slog.Logger
	ready   chan struct{}
	stats   counters
	inHand  *room          // requests being handled
	busy    sync.WaitGroup // requests being handled
	waiting *room          // those of them that wait for a projection
	noSkip  time.Time      // until when it takes events one by one; for the one goroutine that does
}

// NewRunner returns a runner that does nothing yet; the error is the declaration's.
func NewRunner(f Function, cfg Config) (*Runner, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	return &Runner{
		fn:      f,
		cfg:     cfg,
		log:     cfg.Logger.With("function", f.Name),
		ready:   make(chan struct{}),
		inHand:  newRoom(cfg.Most, max(1, cfg.Most/2)),
		waiting: newRoom(max(1, cfg.Most/2), max(1, cfg.Most/8)),
	}, nil
}

// Function is what it runs.
func (r *Runner) Function() Function { return r.fn }

// Ready is closed when every trigger is bound.
func (r *Runner) Ready() <-chan struct{} { return r.ready }

// Stats are counts since Run began.
func (r *Runner) Stats() Stats { return r.stats.snapshot() }

// Run binds the function's triggers and serves them until ctx is done. Then it drains: nothing new is taken, requests in
// hand are answered, the event in hand is finished. It returns when all its goroutines are gone: nil after a drain, an
// error if the triggers could not be bound.
func (r *Runner) Run(ctx context.Context) (err error) {
	host, err := r.open()
	if err != nil {
		return fmt.Errorf("function %s: %w", r.fn.Name, err)
	}
	defer func() { err = errors.Join(err, host.Direct.Close()) }()

	work, abandon := context.WithCancel(context.WithoutCancel(ctx)) // outlives ctx by the drain
	defer abandon()
	var loops sync.WaitGroup
	defer loops.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()

	for _, t := range r.fn.Triggers {
		if t.Kind == KindRequest {
			continue
		}
		consumer, err := host.JS.Consumer(ctx, t.stream, r.fn.Name)
		if err != nil {
			return fmt.Errorf("function %s: bind to %s: %w", r.fn.Name, t.stream, err)
		}
		loops.Go(func() { r.consume(ctx, work, host, t, consumer) })
	}
	service, err := r.serve(work)
	if err != nil {
		return fmt.Errorf("function %s: %w", r.fn.Name, err)
	}
	closed := r.cfg.Conn.StatusChanged(nats.CLOSED)
	defer r.cfg.Conn.RemoveStatusListener(closed)
	close(r.ready)

	select {
	case <-ctx.Done():
	case <-closed: // for good: there is nothing left to serve
	}
	return r.drain(service)
}

// open gives the function what it runs on.
func (r *Runner) open() (Host, error) {
	js, err := jetstream.New(r.cfg.Conn)
	if err != nil {
		return Host{}, err
	}
	direct, err := jet.NewDirect(r.cfg.Conn)
	if err != nil {
		return Host{}, err
	}
	log, err := events.NewLog(r.cfg.Conn, direct)
	if err != nil {
		return Host{}, errors.Join(err, direct.Close())
	}
	h := Host{
		Conn:   r.cfg.Conn,
		JS:     js,
		Direct: direct,
		Log:    log,
		Views:  view.NewReader(direct),
		Now:    r.cfg.Now,
		Logger: r.log,
	}
	if r.fn.Open != nil {
		if err := r.fn.Open(h); err != nil {
			return Host{}, errors.Join(err, direct.Close())
		}
	}
	return h, nil
}

// drain stops taking requests and waits until those in hand are answered.
func (r *Runner) drain(service micro.Service) error {
	if r.cfg.Conn.IsClosed() {
		r.busy.Wait()
		return fmt.Errorf("function %s: %w", r.fn.Name, nats.ErrConnectionClosed)
	}
	err := service.Stop()
	// After the flush the server sends no more; after the barrier all that it sent has reached a handler.
	if err := r.cfg.Conn.FlushTimeout(r.cfg.Deadline); err == nil {
		delivered := make(chan struct{})
		if r.cfg.Conn.Barrier(func() { close(delivered) }) == nil {
			<-delivered
		}
	}
	r.busy.Wait()
	if flush := r.cfg.Conn.FlushTimeout(r.cfg.Deadline); flush != nil {
		err = errors.Join(err, fmt.Errorf("function %s: last replies: %w", r.fn.Name, flush))
	}
	return err
}

// contain turns a panic into an error that wraps [ErrPanic], with the stack in the operator's log.
func (r *Runner) contain(err *error) {
	if p := recover(); p != nil {
		r.log.Error("handler panicked", "panic", p, "stack", string(debug.Stack()))
		*err = fmt.Errorf("%w: %v", ErrPanic, p)
	}
}

// ErrPanic is wrapped by the error of a handler that panicked.
var ErrPanic = errors.New("handler panicked")

package functions

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"natster/events"
	"natster/internal/backoff"
	"natster/internal/jet"
	"natster/internal/limiter"
	"natster/internal/supervise"
)

// Config is what a [Runner] needs beside the function. Conn is required; the rest has a default.
type Config struct {
	Conn      *nats.Conn       // the function's own, in its own account; stays the caller's to close
	JetStream jet.API          // where JetStream is reached from Conn's account; jet.Imported if empty
	Version   string           // semantic version, shown by discovery; 0.0.0 if empty
	Logger    *slog.Logger     // nil: nothing is logged
	Now       func() time.Time // time.Now if nil
	Deadline  time.Duration    // of one request; 5 s if 0
	// MaxInFlight is how many requests are handled at once; 256 if 0. One account's are [Limits].Handlers of them. More
	// wait until it is their account's turn; where too many wait, they are answered with "too many" at once.
	MaxInFlight int
	// Attempts is how often a message is tried before it counts as poison; 12 (about two minutes) if 0. It never does
	// for as long as what the handler needs is [api.ErrUnavailable]: that says nothing of the message.
	Attempts int
	// Backoff is how long after a failed attempt, the first being 1, the next begins. If nil it doubles from 100 ms to
	// 30 s.
	Backoff func(attempt int) time.Duration
	// Refuse, if not nil, returns why nothing new can be stored just now, nil if it can. Requests that write are
	// answered with it; the replies to all others carry it as a notice.
	Refuse func() error
	// Observe, if not nil, is called after every trigger handled, with the error for which it failed or was refused. It
	// must not block.
	Observe func(took time.Duration, err error)
}

func (c Config) withDefaults() Config {
	c.JetStream = cmp.Or(c.JetStream, jet.Imported)
	c.Version = cmp.Or(c.Version, "0.0.0")
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	c.Deadline = cmp.Or(c.Deadline, 5*time.Second)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, 256)
	c.Attempts = cmp.Or(c.Attempts, 12)
	if c.Now == nil {
		c.Now = time.Now
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
	fn       Function
	cfg      Config
	log      *slog.Logger
	host     Host // of the run
	ready    chan struct{}
	onReady  func()
	counts   counters
	queue    *queue                           // requests that are handled, and those that wait for that
	refusals *refusals                        // of those that there is no room for
	waiting  *limiter.Limiter[events.Account] // requests that wait for a projection
	settling *limiter.Limiter[events.Account] // puts that wait for one before they are answered
	noSkip   time.Time                        // until when it takes events one by one; for the one goroutine that does
}

// NewRunner returns a runner that does nothing yet; the error is the declaration's.
func NewRunner(f Function, cfg Config) (*Runner, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	r := &Runner{
		fn:       f,
		cfg:      cfg,
		log:      cfg.Logger.With("function", f.Name),
		ready:    make(chan struct{}),
		onReady:  func() {},
		queue:    newQueue(cfg.MaxInFlight, f.Limits.OrDefault()),
		waiting:  limiter.New[events.Account](max(1, cfg.MaxInFlight/2), max(1, cfg.MaxInFlight/8)),
		settling: limiter.New[events.Account](4*cfg.MaxInFlight, max(1, cfg.MaxInFlight/2)),
	}
	r.refusals = limiter.NewRefusals[events.Account](cfg.Now, func(x refused) {
		r.reply(x.subject, x.reply, nil, nil, x.err)
	})
	return r, nil
}

// Ready is closed when every trigger is bound, and the server permits all that they need.
func (r *Runner) Ready() <-chan struct{} { return r.ready }

// Counts are what has happened since Run began.
func (r *Runner) Counts() Counts { return r.counts.snapshot() }

// ErrPermissions is wrapped by the error of a run whose user may not do what the function declares.
var ErrPermissions = errors.New(
	"its credentials do not permit what it declares; make new ones with natster admin creds")

// Run makes an instance of the function, binds the triggers to it and serves them until ctx is done. Then it drains:
// nothing new is taken, requests in hand are answered, the event in hand is finished, the instance is closed. It
// returns when all its goroutines are gone: nil after a drain, an error if the triggers could not be bound or the
// connection was closed.
func (r *Runner) Run(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("function %s: %w", r.fn.Name, err)
		}
	}()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if r.host, err = Open(r.cfg.Conn, r.cfg.JetStream); err != nil {
		return err
	}
	r.host.Limits, r.host.Now, r.host.Logger = r.fn.Limits.OrDefault(), r.cfg.Now, r.log
	defer func() { err = errors.Join(err, r.host.Direct.Close()) }()
	instance, err := r.instance(ctx)
	if err != nil {
		return errors.Join(err, r.permitted())
	}
	defer func() { err = errors.Join(err, instance.Close()) }()
	triggers, err := r.fn.bind(instance)
	if err != nil {
		return err
	}

	work, abandon := context.WithCancel(context.WithoutCancel(ctx)) // outlives ctx by the drain
	defer abandon()
	var loops sync.WaitGroup
	defer loops.Wait()
	defer r.queue.Close()
	defer stop()
	for _, t := range triggers {
		if t.Kind == KindRequest {
			continue
		}
		consumer, err := r.host.JS.Consumer(ctx, t.stream, r.fn.Name)
		if err != nil {
			return errors.Join(fmt.Errorf("bind to %s: %w", t.stream, err), r.permitted())
		}
		loops.Go(func() { r.consume(ctx, work, t, consumer) })
	}
	loops.Go(func() { r.refusals.Run(ctx) })
	service, err := r.serve(work, triggers)
	if err != nil {
		return err
	}
	closed := r.cfg.Conn.StatusChanged(nats.CLOSED)
	defer r.cfg.Conn.RemoveStatusListener(closed)
	// A subscription that is not permitted is refused late: the refusal comes before the answer to a flush.
	if err := r.cfg.Conn.FlushTimeout(r.cfg.Deadline); err != nil {
		r.log.Warn("the NATS server is slow", "err", err)
	}
	if err := r.permitted(); err != nil {
		stop()
		return errors.Join(err, r.drain(service))
	}
	close(r.ready)
	r.onReady()

	select {
	case <-ctx.Done():
	case <-closed: // for good: there is nothing left to serve
	}
	return r.drain(service)
}

// permitted is nil unless the server has refused what the connection wanted to do.
func (r *Runner) permitted() error {
	if err := r.cfg.Conn.LastError(); errors.Is(err, nats.ErrPermissionViolation) {
		return fmt.Errorf("%w: %w", ErrPermissions, err)
	}
	return nil
}

// instance makes the instance that this run is about. A panic is an error.
func (r *Runner) instance(ctx context.Context) (i Instance, err error) {
	if r.fn.New == nil {
		return NoClose{}, nil
	}
	defer supervise.Contain(r.log, &err)
	if i, err = r.fn.New(ctx, r.host); i == nil && err == nil {
		err = fmt.Errorf("%w: New returned no instance", ErrDeclaration)
	}
	return i, err
}

// drain stops taking requests and waits until those in hand are answered.
func (r *Runner) drain(service micro.Service) error {
	if r.cfg.Conn.IsClosed() {
		r.queue.Close()
		return nats.ErrConnectionClosed
	}
	err := service.Stop()
	// After the flush the server sends no more; after the barrier all that it sent has reached a handler.
	if err := r.cfg.Conn.FlushTimeout(r.cfg.Deadline); err == nil {
		delivered := make(chan struct{})
		if r.cfg.Conn.Barrier(func() { close(delivered) }) == nil {
			<-delivered
		}
	}
	r.queue.Close()
	r.refusals.Flush()
	if flush := r.cfg.Conn.FlushTimeout(r.cfg.Deadline); flush != nil {
		err = errors.Join(err, fmt.Errorf("last replies: %w", flush))
	}
	return err
}

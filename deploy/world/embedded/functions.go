package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"natster/deploy/accounts"
	"natster/functions"
)

const (
	replicas = 1 // of streams: the world is one server

	// restartWait is how long a function that ended by itself stays down: long enough not to spin, short enough for a caller
	// to try again.
	restartWait = 250 * time.Millisecond

	provisionTimeout = time.Minute // streams are read back when the server starts, so this is quick
)

// A functionSet is functions of a world, each to run under a user of its own.
type functionSet struct {
	functions []functions.Function
	creds     map[string]accounts.Creds
	cancel    context.CancelFunc
	running   sync.WaitGroup
	held      atomic.Bool // the log takes nothing new: see inspect

	mu    sync.Mutex
	conns map[string]*nats.Conn // by function; of those that run
}

// start makes what the functions need in JetStream and runs them; it returns when all their triggers are bound.
func (s *functionSet) start(ctx context.Context, w *World) error {
	if len(s.functions) == 0 {
		return nil
	}
	if err := s.provision(ctx, w); err != nil {
		return err
	}
	s.held.Store(!s.inspect(ctx, w))
	if w.config.Elsewhere {
		return nil
	}
	// They run until Stop, not until the context of Start ends.
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	bound := make(chan error, len(s.functions))
	if s.held.Load() {
		s.running.Go(func() { s.hold(running, w) })
	}
	for _, f := range s.functions {
		s.running.Go(func() { s.supervise(running, w, f, bound) })
	}
	for range s.functions {
		select {
		case err := <-bound:
			if err != nil {
				cancel()
				s.running.Wait()
				return err
			}
		case <-ctx.Done():
			cancel()
			s.running.Wait()
			return fmt.Errorf("world: start the functions: %w", context.Cause(ctx))
		}
	}
	s.running.Go(func() { s.readAll(running, w) })
	return nil
}

func (s *functionSet) provision(ctx context.Context, w *World) error {
	ctx, cancel := context.WithTimeout(ctx, provisionTimeout)
	defer cancel()
	nc, err := w.Admin(ctx)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("world: %w", err)
	}
	if err := functions.Provision(ctx, js, replicas, s.functions...); err != nil {
		return err
	}
	if err := syncStore(filepath.Join(w.config.Dir, server.JetStreamStoreDir)); err != nil {
		return fmt.Errorf("world: sync what was made: %w", err)
	}
	return nil
}

// supervise runs f until ctx is done: again and again, should it end by itself. Its first start is reported to bound, and
// if that fails there is no second.
func (s *functionSet) supervise(ctx context.Context, w *World, f functions.Function, bound chan<- error) {
	for first := true; ; first = false {
		err := s.run(ctx, w, f, func() {
			if first {
				bound <- nil
				bound = nil
			}
		})
		switch {
		case first && bound != nil:
			bound <- fmt.Errorf("world: %w", err)
			return
		case ctx.Err() != nil:
			if err != nil {
				w.config.Logger.Warn("function stopped badly", "function", f.Name, "err", err)
			}
			return
		}
		level := slog.LevelError
		if w.disk.refuse() != nil {
			level = slog.LevelDebug // the server was stopped under it
		}
		w.config.Logger.Log(ctx, level, "function ended and is started again", "function", f.Name, "err", err)
		select {
		case <-time.After(restartWait):
		case <-ctx.Done():
			return
		}
	}
}

// run runs f once, on a connection of its own, and calls ready when its triggers are bound.
func (s *functionSet) run(ctx context.Context, w *World, f functions.Function, ready func()) error {
	nc, err := w.ConnectAs(ctx, s.creds[f.Name], nats.Name(f.Name), nats.CustomInboxPrefix(f.InboxPrefix()))
	if err != nil {
		return err
	}
	defer nc.Close()
	s.mu.Lock()
	s.conns[f.Name] = nc
	s.mu.Unlock()
	r, err := functions.NewRunner(f, functions.Config{
		Conn:    nc,
		Version: w.config.Version,
		Logger:  w.config.Logger,
		Refuse:  func() error { return s.refuse(w, f) },
	})
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	select {
	case <-r.Ready():
		ready()
		return <-ended
	case err := <-ended:
		return errors.Join(err, ctx.Err())
	}
}

// refuse is why f may keep nothing new now, for callers; nil if it may.
func (s *functionSet) refuse(w *World, f functions.Function) error {
	if f.Access.AppendsLog && s.held.Load() {
		return errHeld
	}
	return w.disk.refuse()
}

// stop returns when all functions are drained, or with an error when ctx ends first.
func (s *functionSet) stop(ctx context.Context) error {
	if s.cancel == nil {
		return nil
	}
	s.cancel()
	drained := make(chan struct{})
	go func() {
		s.running.Wait()
		close(drained)
	}()
	select {
	case <-drained:
		return nil
	case <-ctx.Done():
		// Without connections they end by themselves.
		s.mu.Lock()
		for _, nc := range s.conns {
			nc.Close()
		}
		s.mu.Unlock()
		<-drained
		return fmt.Errorf("world: functions were cut off: %w", context.Cause(ctx))
	}
}

// Functions are the functions that run in the world.
func (w *World) Functions() []functions.Function { return w.functions.functions }

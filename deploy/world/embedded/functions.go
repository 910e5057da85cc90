package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"natster/deploy/accounts"
	"natster/functions"
	"natster/internal/backoff"
	"natster/internal/supervise"
)

const (
	replicas = 1 // of streams: the world is one server

	provisionTimeout = time.Minute // streams are read back when the server starts, so this is quick

	// A function that ended by itself is started again after firstPause, then twice as long each time, up to lastPause.
	// That is short, because their connections end whenever the server is restarted.
	firstPause = 250 * time.Millisecond
	lastPause  = 2 * time.Second
)

// A functionSet is the functions of a world, each to run under a user of its own.
type functionSet struct {
	functions []functions.Function
	creds     map[string]accounts.Creds
	cancel    context.CancelFunc
	running   sync.WaitGroup
	held      atomic.Bool // the log accepts nothing new: see inspect

	mu    sync.Mutex
	conns map[string]*nats.Conn // by function; of those that run
}

// start makes what the functions need in JetStream and runs them. It returns when all their triggers are bound.
func (s *functionSet) start(ctx context.Context, w *World) error {
	if len(s.functions) == 0 {
		return nil
	}
	sound := func(nc *nats.Conn) { s.held.Store(!s.inspect(ctx, w, nc)) }
	if err := s.provision(ctx, w, sound); err != nil {
		return err
	}
	if w.config.Elsewhere {
		return nil
	}
	// They run until Stop, not until the context of Start ends.
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	if s.held.Load() {
		s.running.Go(func() { s.awaitRepair(running, w) })
	}
	bound, starting := errgroup.WithContext(ctx)
	for _, f := range s.functions {
		task := supervise.Go(running, supervise.Config{
			Logger: w.config.Logger.With("function", f.Name),
			Level:  w.troubleLevel,
			Pause:  backoff.Doubling(firstPause, lastPause),
		}, func(ctx context.Context, ready func()) error { return s.run(ctx, w, f, ready) })
		s.running.Go(task.Wait)
		bound.Go(func() error { return task.Started(starting) })
	}
	if err := bound.Wait(); err != nil {
		cancel()
		s.running.Wait()
		return fmt.Errorf("world: start the functions: %w", err)
	}
	s.running.Go(func() { w.readAll(running) })
	return nil
}

// troubleLevel is the level at which it is logged that a function ended by itself: low while the server is restarted.
func (w *World) troubleLevel() slog.Level {
	if w.disk.refuse() != nil {
		return slog.LevelDebug
	}
	return slog.LevelError
}

// provision makes what the functions need in JetStream. Once that is there it calls then, with an administrator's
// connection, while what was made is synced.
func (s *functionSet) provision(ctx context.Context, w *World, then func(*nats.Conn)) error {
	making, cancel := context.WithTimeout(ctx, provisionTimeout)
	defer cancel()
	nc, err := w.Admin(making)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("world: %w", err)
	}
	if err := functions.Provision(making, js, replicas, s.functions...); err != nil {
		return err
	}
	var syncing errgroup.Group
	syncing.Go(func() error { return syncStore(filepath.Join(w.config.Dir, server.JetStreamStoreDir)) })
	then(nc)
	if err := syncing.Wait(); err != nil {
		return fmt.Errorf("world: sync what was made: %w", err)
	}
	return nil
}

// run runs f once, on a connection of its own, and calls ready when its triggers are bound.
func (s *functionSet) run(ctx context.Context, w *World, f functions.Function, ready func()) error {
	connect := func(ctx context.Context, options ...nats.Option) (*nats.Conn, error) {
		nc, err := w.ConnectAs(ctx, s.creds[f.Name], options...)
		if err == nil {
			s.mu.Lock()
			s.conns[f.Name] = nc
			s.mu.Unlock()
		}
		return nc, err
	}
	return functions.Serve(ctx, f, functions.Config{
		Version: w.config.Version,
		Logger:  w.config.Logger,
		Refuse:  func() error { return s.refuse(w, f) },
	}, connect, func(*functions.Runner) { ready() })
}

// refuse returns the error for callers while f can store nothing new; nil if it can.
func (s *functionSet) refuse(w *World, f functions.Function) error {
	if f.Access.AppendsLog && s.held.Load() {
		return errHeld
	}
	return w.disk.refuse()
}

// stop drains all functions. It cuts them off, and returns an error, when ctx ends first.
func (s *functionSet) stop(ctx context.Context) error {
	if s.cancel == nil {
		return nil
	}
	s.cancel()
	drained := context.AfterFunc(ctx, func() { // without connections they end by themselves
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, nc := range s.conns {
			nc.Close()
		}
	})
	s.running.Wait()
	if !drained() {
		return fmt.Errorf("world: functions were cut off: %w", context.Cause(ctx))
	}
	return nil
}

// Functions are the functions that run in the world.
func (w *World) Functions() []functions.Function { return w.functions.functions }

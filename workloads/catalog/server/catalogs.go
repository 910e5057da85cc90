package server

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/micro"

	"natster/events"
	"natster/functions/api"
	"natster/internal/supervise"
	"natster/workloads/catalog/seal"
)

// ErrNotRunning says that a server does not run: not yet, or no more.
var ErrNotRunning = errors.New("catalog server: it is not running")

// served is a catalog that is served, and what serves it.
type served struct {
	Library
	service micro.Service
	stop    context.CancelFunc // its requests, pushes, heartbeats, and the following of its directory
	work    sync.WaitGroup     // the last two
}

// catalogs are what is served now. They change while the server runs.
type catalogs struct {
	mu  sync.Mutex // held while they change
	ctx context.Context
	wg  *sync.WaitGroup // of what requests start

	reading sync.RWMutex
	all     []*served
}

// list is a copy, in the order in which they came.
func (c *catalogs) list() []*served {
	c.reading.RLock()
	defer c.reading.RUnlock()
	return append([]*served(nil), c.all...)
}

// beginAll serves the catalogs that the server was made with.
func (s *Server) beginAll(ctx context.Context, wg *sync.WaitGroup) error {
	s.now.mu.Lock()
	defer s.now.mu.Unlock()
	s.now.ctx, s.now.wg = ctx, wg
	for _, l := range s.catalogs {
		if err := s.begin(l); err != nil {
			return err
		}
	}
	return nil
}

// Add serves l as well, from when it returns; the server must be running. No name can be served twice.
func (s *Server) Add(l Library) error {
	s.now.mu.Lock()
	defer s.now.mu.Unlock()
	if s.now.ctx == nil || s.now.ctx.Err() != nil {
		return ErrNotRunning
	}
	for _, x := range s.now.list() {
		if x.Name() == l.Name() {
			return fmt.Errorf("catalog server: two catalogs are called %s", l.Name())
		}
	}
	return s.begin(l)
}

// begin serves l. The caller holds the lock.
func (s *Server) begin(l Library) error {
	ctx, stop := context.WithCancel(s.now.ctx)
	x := &served{Library: l, stop: stop}
	var err error
	if x.service, err = s.catalogService(ctx, s.now.wg, l); err == nil {
		err = s.nc.Flush() // the server knows the subjects: who is told of it is heard
	}
	if err != nil {
		stop()
		s.stopService(x.service)
		return fmt.Errorf("serve %s: %w", l.Name(), err)
	}
	s.now.reading.Lock()
	s.now.all = append(s.now.all, x)
	s.now.reading.Unlock()
	x.work.Go(func() { s.keep(ctx, func(ctx context.Context) { s.sendHeartbeats(ctx, l) }) })
	x.work.Go(func() {
		log := s.log.With("catalog", l.Name())
		supervise.Run(ctx, supervise.Config{Logger: log}, func(ctx context.Context, _ func()) error { return l.Follow(ctx) })
	})
	return nil
}

// Drop serves the catalog called name no longer, if it did: its transfers end, and those concerned are told that it is
// offline. Nothing of it runs any more when Drop returns.
func (s *Server) Drop(name events.Catalog) {
	s.now.mu.Lock()
	defer s.now.mu.Unlock()
	var dropped, kept []*served
	for _, x := range s.now.list() {
		if x.Name() == name {
			dropped = append(dropped, x)
		} else {
			kept = append(kept, x)
		}
	}
	s.now.reading.Lock()
	s.now.all = kept
	s.now.reading.Unlock()
	s.leave(dropped, seal.End{Code: codeStopped, Error: "the catalog is not served any more"})
}

// leave says goodbye for some catalogs: no more requests, sessions told, the account and presence told.
func (s *Server) leave(some []*served, why seal.End) {
	names := make(map[events.Catalog]bool)
	for _, x := range some {
		names[x.Name()] = true
		s.stopService(x.service)
		x.stop()
	}
	for _, x := range some {
		x.work.Wait() // no heartbeat after the goodbye, and nothing is written any more
	}
	s.gate.Lock() // the requests that were running have been answered
	for _, x := range s.sessions.all() {
		if names[x.catalog] {
			s.end(x, why, true)
		}
	}
	s.gate.Unlock()
	if s.nc.IsConnected() {
		var told sync.WaitGroup
		for _, l := range some {
			told.Go(func() { s.tellPresence(context.Background(), api.StopHeartbeat.Subject(), l, 0) })
		}
		told.Wait()
	}
	for _, l := range some { // last: another server of the catalog answers with a heartbeat
		s.publishPresence(events.LocalOffline, l)
	}
	if err := s.nc.FlushTimeout(2 * time.Second); err != nil {
		s.log.Debug("goodbye not delivered", "err", err)
	}
}

package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/micro"

	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog/seal"
)

// ErrNotRunning says that a server does not run: not yet, or no more.
var ErrNotRunning = errors.New("catalog server: it is not running")

// served is a catalog that is served, and what serves it.
type served struct {
	Library
	service micro.Service
	stop    context.CancelFunc // its requests, pushes, heartbeats, and the following of its directory
	gate    gate               // of its requests
	work    sync.WaitGroup     // the last two of what stop ends
}

// catalogs are what is served now. They change while the server runs.
type catalogs struct {
	mu  sync.Mutex // held while they change
	ctx context.Context

	reading sync.RWMutex
	all     []*served
}

// list is a copy, in the order in which they came.
func (c *catalogs) list() []*served {
	c.reading.RLock()
	defer c.reading.RUnlock()
	return slices.Clone(c.all)
}

func (c *catalogs) set(all []*served) {
	c.reading.Lock()
	defer c.reading.Unlock()
	c.all = all
}

// addAll serves the catalogs that the server begins with; from now on others can be added.
func (s *Server) addAll(ctx context.Context, libraries []Library) error {
	s.catalogs.mu.Lock()
	s.catalogs.ctx = ctx
	s.catalogs.mu.Unlock()
	for _, l := range libraries {
		if err := s.Add(l); err != nil {
			return err
		}
	}
	return nil
}

// Add serves l as well, from when it returns; the server must be running. No name can be served twice.
func (s *Server) Add(l Library) error {
	s.catalogs.mu.Lock()
	defer s.catalogs.mu.Unlock()
	if s.catalogs.ctx == nil || s.catalogs.ctx.Err() != nil {
		return ErrNotRunning
	}
	all := s.catalogs.list()
	if slices.ContainsFunc(all, func(x *served) bool { return x.Name() == l.Name() }) {
		return fmt.Errorf("two catalogs are called %s", l.Name())
	}
	ctx, stop := context.WithCancel(s.catalogs.ctx)
	x := &served{Library: l, stop: stop}
	var err error
	if x.service, err = s.catalogService(ctx, x); err == nil {
		err = s.nc.Flush() // the server knows the subjects: a request that follows the first heartbeat is answered
	}
	if err != nil {
		stop()
		s.stopService(x.service)
		return fmt.Errorf("serve %s: %w", l.Name(), err)
	}
	s.catalogs.set(append(all, x))
	log := s.log.With("catalog", l.Name())
	x.work.Go(func() { keep(ctx, log, func(ctx context.Context) error { return s.sendHeartbeats(ctx, l) }) })
	x.work.Go(func() { keep(ctx, log, l.Follow) })
	return nil
}

// Drop serves the catalog called name no longer, if it did: its transfers end, and those concerned are told that it is
// offline. Nothing of it runs any more when Drop returns.
func (s *Server) Drop(name events.Catalog) {
	s.catalogs.mu.Lock()
	defer s.catalogs.mu.Unlock()
	all := s.catalogs.list()
	i := slices.IndexFunc(all, func(x *served) bool { return x.Name() == name })
	if i < 0 {
		return
	}
	dropped := all[i]
	s.catalogs.set(slices.Delete(all, i, i+1))
	s.leave([]*served{dropped}, "the catalog is not served any more")
}

// leave ends the serving of some catalogs: no more requests, then no more sessions, which are told why; then the
// account and the function presence are told that the catalogs are offline.
func (s *Server) leave(some []*served, why string) {
	names := make(map[events.Catalog]bool)
	for _, x := range some {
		names[x.Name()] = true
		s.stopService(x.service)
		x.stop()
	}
	for _, x := range some {
		x.work.Wait() // no heartbeat after the goodbye, and nothing is written any more
	}
	for _, x := range some {
		x.gate.close() // the requests that were running have been answered
	}
	for _, x := range s.sessions.all() {
		if names[x.catalog] {
			s.end(x, seal.End{Code: codeStopped, Error: why})
		}
	}
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

package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/internal/supervise"
	"natster/workloads/catalog/seal"
)

// Config is what a server is made of. Conn, Account, Catalogs and Shares are required.
type Config struct {
	Conn     *nats.Conn     // stays the caller's to close, after Serve has returned
	Account  events.Account // whose connection it is, and so whose catalogs
	Catalogs []Library      // at least one; no name twice
	Shares   Shares
	Logger   *slog.Logger // nil: discarded
	Limits   Limits

	// Observe, if not nil, is told of each listing and download that was granted, and of what is sent of those: a few
	// thousand times a second. It is called concurrently and must not block.
	Observe func(Activity)
}

// An Activity is something that was granted to somebody, or sent: whether it arrived is not known.
type Activity struct {
	Caller  events.Account // zero: the own account
	Catalog events.Catalog
	Verb    string      // [events.VerbGet], [events.VerbDownload], or [events.VerbFetch]: a part was sent
	Hash    events.Hash // of what is downloaded
	Size    int64       // of that, or of the part, in bytes
}

// Limits bound what others can make a server do. A zero field means its default.
type Limits struct {
	Sessions       int           // open sessions of protocol 2, in all: 1024
	CallerSessions int           // of one account: 256
	Pushes         int           // files being pushed by protocol 1, in all: 8; half of them to one account
	Pending        int           // chunks asked for and not yet sent, of one session: 512
	Workers        int           // chunks read, sealed and published at a time: the number of CPUs, at least 2
	ChunkSize      int           // largest chunk offered, in bytes: 1 MiB; memory is about Workers times this
	Idle           time.Duration // after which an unused session ends: 2 minutes
	Rest           time.Duration // after which an unused session may end to make room for another: 250 ms
	Heartbeat      time.Duration // between heartbeats: 30 seconds
	SharesRefresh  time.Duration // between looks at all shares; changes are heard of at once: 10 seconds
	SharesMaxAge   time.Duration // of the last such look, beyond which no other account is served: 90 seconds
}

func (l Limits) withDefaults() Limits {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	span := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.Sessions, 1024)
	def(&l.CallerSessions, 256)
	def(&l.Pushes, 8)
	def(&l.Pending, 512)
	def(&l.Workers, max(2, runtime.GOMAXPROCS(0)))
	def(&l.ChunkSize, seal.MaxChunk)
	l.ChunkSize = min(max(l.ChunkSize, seal.MinChunk), seal.MaxChunk)
	span(&l.Idle, 2*time.Minute)
	span(&l.Rest, 250*time.Millisecond) // longer than a receiver takes to ask for more
	span(&l.Heartbeat, 30*time.Second)
	span(&l.SharesRefresh, 10*time.Second)
	span(&l.SharesMaxAge, 90*time.Second)
	return l
}

// A Server is what [Serve] runs: other catalogs may come and go meanwhile.
type Server struct {
	nc       *nats.Conn
	account  events.Account
	catalogs []Library // to begin with
	now      catalogs
	limits   Limits
	log      *slog.Logger
	instance string // of all servers of these catalogs, this one

	observe func(Activity)

	shares   *shareTable
	sessions *sessions
	pump     *pump
	pushes   *pushes

	gate sync.RWMutex // held for reading by every running request
}

func newServer(c Config) (*Server, error) {
	switch {
	case c.Conn == nil:
		return nil, errors.New("catalog server: no connection")
	case c.Account.IsZero():
		return nil, errors.New("catalog server: no account")
	case c.Shares == nil:
		return nil, errors.New("catalog server: nothing to know the shares by")
	case len(c.Catalogs) == 0:
		return nil, errors.New("catalog server: no catalog to serve")
	}
	names := make(map[events.Catalog]bool)
	for _, l := range c.Catalogs {
		if names[l.Name()] {
			return nil, fmt.Errorf("catalog server: two catalogs are called %s", l.Name())
		}
		names[l.Name()] = true
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Observe == nil {
		c.Observe = func(Activity) {}
	}
	s := &Server{
		observe: c.Observe,
		nc:      c.Conn, account: c.Account, catalogs: c.Catalogs, limits: c.Limits.withDefaults(), log: c.Logger,
		instance: seal.NewSession(),
	}
	s.shares = newShareTable(c.Account, c.Shares, s.limits, s.log)
	s.sessions = newSessions(s.limits)
	s.pump = newPump(s.nc, s.log, s.observe, func(x *session, why seal.End) { s.end(x, why, true) })
	s.pushes = newPushes(s)
	return s, nil
}

// Serve serves catalogs as c says, keeps each what its directory is, and calls ready once it answers requests. It returns
// nil when ctx is done, and an error when the connection is closed for good. When it returns nothing of it runs any more:
// sessions are ended, and the account and the function presence have been told that its catalogs are offline.
//
// Whoever hosts catalogs opens them, calls Serve, and calls it again if it fails. A panic costs the request, or the loop, that
// it is in; one that Serve cannot go on from is an error that wraps [supervise.ErrPanic].
func Serve(ctx context.Context, c Config, ready func(*Server)) (err error) {
	s, err := newServer(c)
	if err != nil {
		return err
	}
	defer supervise.Contain(s.log, &err)
	return s.run(ctx, ready)
}

func (s *Server) run(ctx context.Context, ready func(*Server)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	status := s.nc.StatusChanged(nats.CONNECTED, nats.CLOSED)
	defer s.nc.RemoveStatusListener(status)

	var wg sync.WaitGroup
	defer wg.Wait()

	feed, err := s.hearShares()
	defer unsubscribe(feed)
	if err != nil {
		return fmt.Errorf("catalog server: %w", err)
	}
	s.shares.refresh(ctx) // so that the first requests find it; when it fails, only the own account is served
	for range s.limits.Workers {
		wg.Go(s.pump.work)
	}
	defer s.pump.stop()
	inbox, err := s.inboxService(ctx)
	defer func() {
		cancel(nil)
		s.stopService(inbox)
		s.now.mu.Lock() // from now on nothing is added
		defer s.now.mu.Unlock()
		s.leave(s.now.list(), seal.End{Code: codeStopped, Error: "the catalog server stops"})
	}()
	if err == nil {
		err = s.beginAll(ctx, &wg)
	}
	if err != nil {
		return fmt.Errorf("catalog server: %w", err)
	}
	wg.Go(func() { s.keep(ctx, func(ctx context.Context) { s.shares.follow(ctx, s.endUnshared) }) })
	wg.Go(func() { s.keep(ctx, s.expire) })
	ready(s)

	for {
		select {
		case <-ctx.Done():
			return nil
		case st, open := <-status:
			switch {
			case !open || st == nats.CLOSED:
				return errors.New("catalog server: the connection is closed")
			case st == nats.CONNECTED:
				s.shares.kick() // what was said meanwhile was not heard
			}
		}
	}
}

// keep runs loop until ctx is done, and again, after a pause, if it panics.
func (s *Server) keep(ctx context.Context, loop func(context.Context)) {
	supervise.Run(ctx, supervise.Config{Logger: s.log}, func(ctx context.Context, _ func()) error {
		loop(ctx)
		return nil
	})
}

func unsubscribe(subs []*nats.Subscription) {
	for _, sub := range subs {
		_ = sub.Unsubscribe() // of a closed connection, or again: nothing to do
	}
}

// Usage is what a server is doing now.
type Usage struct {
	Sessions int    // open sessions of protocol 2
	Pushes   int    // running pushes of protocol 1
	Bytes    uint64 // plaintext bytes sent since the start
}

// Usage returns what the server is doing now. It is safe for concurrent use.
func (s *Server) Usage() Usage {
	return Usage{Sessions: s.sessions.count(), Pushes: s.pushes.count(), Bytes: s.pump.sent.Load() + s.pushes.sent.Load()}
}

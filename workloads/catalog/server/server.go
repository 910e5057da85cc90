package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"natster/events"
	"natster/internal/limiter"
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

	// Observe, if not nil, is called with each listing and download that was granted, and with each part of them that
	// is sent: a few thousand times a second. It is called concurrently and must not block.
	Observe func(Activity)

	now func() time.Time // tests have another than time.Now
}

// An Activity is something that was granted to a caller, or sent: whether it arrived is not known.
type Activity struct {
	Caller  events.Account // zero: the own account
	Catalog events.Catalog
	Verb    string      // [events.VerbGet], [events.VerbDownload], or [events.VerbFetch]: a part was sent
	Hash    events.Hash // of what is downloaded
	Size    int64       // of that, or of the part, in bytes
}

// Limits bound what callers can make a server do. A zero field means its default.
type Limits struct {
	Sessions       int           // open sessions of protocol 2, in all: 1024
	CallerSessions int           // of one account: 256
	Upload         int64         // bytes of files sent to other accounts, in a second, in all: as many as can be
	Pushes         int           // files being pushed by protocol 1, in all: 8; half of them to one account
	Unproved       int           // bytes sent to an account that it has not proved to have got: 64 MiB
	Forgiven       int           // bytes of these that are forgiven in a second: 2 MiB
	Pending        int           // chunks asked for and not yet sent, of one session: 512
	Workers        int           // chunks read, sealed and published at a time: the number of CPUs, at least 2
	ChunkSize      int           // largest chunk offered, in bytes: 1 MiB; memory is about Workers times this
	Idle           time.Duration // after which an unused session ends: 2 minutes
	Rest           time.Duration // after which an unused session may end to make room for another: 250 ms
	Heartbeat      time.Duration // between heartbeats: 30 seconds
	SharesRefresh  time.Duration // between looks at all shares; changes are heard of at once: 10 seconds
	SharesMaxAge   time.Duration // of the last such look, beyond which no other account is served: 90 seconds
}

// DefaultLimits are those of a server that sets none.
func DefaultLimits() Limits { return Limits{}.withDefaults() }

func (l Limits) withDefaults() Limits {
	orDefault(&l.Sessions, 1024)
	orDefault(&l.CallerSessions, 256)
	orDefault(&l.Pushes, 8)
	orDefault(&l.Unproved, 64<<20)
	orDefault(&l.Forgiven, 2<<20)
	orDefault(&l.Pending, 512)
	orDefault(&l.Workers, max(2, runtime.GOMAXPROCS(0)))
	orDefault(&l.ChunkSize, seal.MaxChunk)
	if l.Upload = max(0, l.Upload); l.Upload > 0 { // nobody waits for long for one chunk, and so takes it for lost
		l.ChunkSize = int(min(int64(l.ChunkSize), l.Upload/4))
	}
	l.ChunkSize = min(max(l.ChunkSize, seal.MinChunk), seal.MaxChunk)
	orDefault(&l.Idle, 2*time.Minute)
	orDefault(&l.Rest, 250*time.Millisecond) // longer than a receiver takes to ask for more
	orDefault(&l.Heartbeat, 30*time.Second)
	orDefault(&l.SharesRefresh, 10*time.Second)
	orDefault(&l.SharesMaxAge, 90*time.Second)
	return l
}

func orDefault[T int | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// A Server is what [Serve] runs: other catalogs may come and go meanwhile.
type Server struct {
	nc       *nats.Conn
	account  events.Account
	catalogs catalogs
	limits   Limits
	log      *slog.Logger
	observe  func(Activity)
	instance string // of all servers of these catalogs, this one

	shares   *shareTable
	sessions *sessions
	pump     *pump
	pushes   *limiter.Limiter[events.Account]
	may      map[string]*ask // what may be asked of it; does not change
	queue    *queue
	refusals *refusals
	credit   credit
	pages    pages
	sent     atomic.Uint64 // plaintext bytes

	work sync.WaitGroup // the loops, the pump's workers, and the pushes
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
	for _, l := range c.Catalogs { // before any is served, and its users are told that it is offline again
		if names[l.Name()] {
			return nil, fmt.Errorf("catalog server: two catalogs are called %s", l.Name())
		}
		names[l.Name()] = true
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.Observe == nil {
		c.Observe = func(Activity) {}
	}
	l := c.Limits.withDefaults()
	s := &Server{
		nc: c.Conn, account: c.Account, limits: l, log: c.Logger, observe: c.Observe, instance: seal.NewSession(),
		shares:   newShareTable(c.Account, c.Shares, l, c.Logger),
		sessions: newSessions(l),
		pushes:   limiter.New[events.Account](l.Pushes, (l.Pushes+1)/2),
		queue:    newQueue(),
		credit:   newCredit(l, c.now),
	}
	s.refusals = limiter.NewRefusals[events.Account](time.Now, func(x refused) {
		s.reply(x.subject, x.reply, nil, x.err)
	})
	s.may = s.asks()
	s.pump = newPump(s, c.now)
	return s, nil
}

// Serve serves catalogs as c says, keeps each what its directory is, and calls ready once it answers requests. It
// returns nil when ctx is done, and an error when the connection is closed for good. When it returns nothing of it runs
// any more: sessions are ended, and the account and the function presence have been told that its catalogs are offline.
//
// A host opens its catalogs, calls Serve, and calls it again if it fails. A panic ends only the request or the loop
// that it is in; one that Serve cannot go on from is an error that wraps [supervise.ErrPanic].
func Serve(ctx context.Context, c Config, ready func(*Server)) (err error) {
	s, err := newServer(c)
	if err != nil {
		return err
	}
	defer supervise.Contain(s.log, &err)
	return s.run(ctx, c.Catalogs, ready)
}

func (s *Server) run(ctx context.Context, libraries []Library, ready func(*Server)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	status := s.nc.StatusChanged(nats.CONNECTED, nats.CLOSED)
	defer s.nc.RemoveStatusListener(status)

	defer s.work.Wait()

	news, err := s.hearShares()
	if err != nil {
		return fmt.Errorf("catalog server: %w", err)
	}
	defer unsubscribe(news)
	unshares, err := s.hearUnshares()
	if err != nil {
		return fmt.Errorf("catalog server: %w", err)
	}
	defer unsubscribe(unshares)
	s.shares.refresh(ctx) // so that the first requests find it; when it fails, only the own account is served
	for range s.limits.Workers {
		s.work.Go(s.pump.work)
	}
	defer s.pump.stop()
	s.work.Go(func() { s.refusals.Run(ctx) })
	inbox, err := s.inboxService(ctx)
	defer func() {
		cancel()
		s.stopService(inbox)
		s.catalogs.mu.Lock() // from now on nothing is added
		defer s.catalogs.mu.Unlock()
		s.leave(s.catalogs.list(), "the catalog server stops")
		s.queue.Close()
		s.refusals.Flush()
	}()
	if err == nil {
		err = s.addAll(ctx, libraries)
	}
	switch {
	case ctx.Err() != nil: // nothing can be added any more, which is no failure
		return nil
	case err != nil:
		return fmt.Errorf("catalog server: %w", err)
	}
	s.work.Go(func() { keep(ctx, s.log, s.followShares) })
	s.work.Go(func() { keep(ctx, s.log, s.expire) })
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

// keep runs loop until ctx is done, and again, after a pause, if it fails or panics.
func keep(ctx context.Context, log *slog.Logger, loop func(context.Context) error) {
	supervise.Run(ctx, supervise.Config{Logger: log}, func(ctx context.Context, _ func()) error { return loop(ctx) })
}

func unsubscribe(sub *nats.Subscription) { _ = sub.Unsubscribe() } // it fails only where there is nothing to do

// signal makes c readable with v, unless it is already.
func signal[T any](c chan<- T, v T) {
	select {
	case c <- v:
	default:
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
	sessions, _ := s.sessions.open.InFlight(events.Account{})
	pushes, _ := s.pushes.InFlight(events.Account{})
	return Usage{Sessions: sessions, Pushes: pushes, Bytes: s.sent.Load()}
}

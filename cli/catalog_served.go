package cli

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"natster/cli/term"
	"natster/events"
	"natster/internal/supervise"
	"natster/workloads/catalog"
	"natster/workloads/catalog/library"
	"natster/workloads/catalog/server"
)

// lookInterval is how often serve looks for catalogs that were made or forgotten.
const lookInterval = time.Second

// serving is the catalogs that natster catalog serve serves: those that are wanted and can be opened. A catalog that is
// made later is added, one that is forgotten (natster catalog rm) is dropped, and one that cannot be opened is tried
// again.
type serving struct {
	*session
	wanted func() ([]events.Catalog, error)
	limits server.Limits // those that are set
	board  *board        // nil if stdout is not a terminal
	log    *slog.Logger
	seen   *requests
	failed map[events.Catalog]string // errors of catalogs that cannot be opened; each is logged once

	mu     sync.Mutex
	server *server.Server // the one that runs now
	open   map[events.Catalog]*library.Library
}

// first opens and reads the catalogs that serve begins with. It fails if there is none.
func (st *serving) first(ctx context.Context, names []events.Catalog) (served []servedCatalog, err error) {
	for _, name := range names {
		bar := st.Bar("reading " + name.String())
		l, openErr := st.files.open(ctx, library.Config{Progress: showScan(bar), Logger: st.log}, name)
		if openErr == nil {
			_, openErr = l.Scan(ctx)
			bar.Clear()
			st.noteMissing(l)
			st.set(name, l)
			c := l.Contents()
			served = append(served, servedCatalog{name, l.Dir(), len(c.Entries), c.Size()})
		}
		bar.Clear()
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case openErr == nil || errors.Is(openErr, catalog.ErrAway): // it is served when its directory is back
		default:
			err = openErr
			st.failed[name] = openErr.Error()
			st.Note("%s: %s; tried again", name, term.OneLine(openErr.Error()))
		}
	}
	if len(served) > 0 {
		err = nil
	}
	return served, err
}

// run serves until ctx is done, and returns when everything has ended. It starts again only after a panic. It prints
// what it begins with.
func (st *serving) run(ctx context.Context, begin []servedCatalog) error {
	st.nc.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		st.log.Warn("the connection is in trouble", "err", err)
	})
	running, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer stop()
	c := server.Config{
		Conn: st.nc, Account: st.me.Account, Shares: st.api, Logger: st.log, Observe: st.seen.observe,
		Limits: st.limits,
	}
	if st.board != nil {
		st.board.path, c.Observe = st.seen.path, st.board.observe
	}
	var failed error
	report := func(err error) {
		if err != nil && !errors.Is(err, supervise.ErrPanic) {
			failed = err
			stop()
		}
	}
	task := supervise.Go(running, supervise.Config{Logger: st.log, Report: report},
		func(ctx context.Context, ready func()) error {
			c.Catalogs = st.libraries()
			return server.Serve(ctx, c, func(s *server.Server) {
				st.mu.Lock()
				st.server = s
				st.mu.Unlock()
				ready()
			})
		})
	if err := task.Started(ctx); err != nil {
		task.Wait()
		return errors.Join(err, ctx.Err())
	}
	st.printServing(begin)
	beside.Go(func() { st.seen.write(running, st.log) })
	beside.Go(func() { st.watchConnection(running) })
	if st.board != nil {
		beside.Go(func() { st.board.run(running, st.log) })
	}
	beside.Go(func() { every(running, lookInterval, func() { st.look(running) }) })
	task.Wait()
	stop()
	return errors.Join(failed, ctx.Err())
}

// running returns the server that runs now.
func (st *serving) running() *server.Server {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.server
}

// libraries returns those of the catalogs that are served, by name.
func (st *serving) libraries() (all []server.Library) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, l := range st.open {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b server.Library) int { return strings.Compare(a.Name().String(), b.Name().String()) })
	return all
}

// find returns the library of a catalog that is served, or nil.
func (st *serving) find(c events.Catalog) *library.Library {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.open[c]
}

// set makes l the library of a catalog that is served; nil if it no longer is.
func (st *serving) set(c events.Catalog, l *library.Library) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.open[c] = l; l == nil {
		delete(st.open, c)
	}
}

// every calls f at an interval until ctx is done.
func every(ctx context.Context, interval time.Duration, f func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f()
		}
	}
}

var (
	errForgotten = errors.New("it was forgotten")
	errElsewhere = errors.New("it is another directory's now")
)

// look serves the catalogs that are there now and drops those that are not.
func (st *serving) look(ctx context.Context) {
	for name, l := range st.open { // from now on only this goroutine changes it
		var gone error
		if _, err := os.Stat(st.files.file(name)); errors.Is(err, fs.ErrNotExist) {
			gone = errForgotten
		} else if l.Elsewhere() {
			gone = errElsewhere
		}
		if gone != nil {
			st.running().Drop(name)
			st.set(name, nil)
			st.log.Info("no longer serves", "catalog", name, "err", gone)
		}
	}
	names, err := st.wanted()
	if err != nil {
		return // the directory of all catalogs cannot be read now
	}
	for _, name := range names {
		if st.open[name] == nil {
			st.add(ctx, name)
		}
	}
}

// add serves one more catalog. An error is logged once; the catalog is tried again.
func (st *serving) add(ctx context.Context, name events.Catalog) {
	if _, err := os.Stat(st.files.file(name)); err != nil {
		return // it was forgotten
	}
	l, err := st.files.open(ctx, library.Config{Logger: st.log}, name)
	if err == nil {
		err = st.running().Add(l)
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		if st.failed[name] != err.Error() {
			st.log.Warn("cannot serve", "catalog", name, "err", err)
		}
		st.failed[name] = err.Error()
	default:
		delete(st.failed, name)
		st.set(name, l)
		st.log.Info("serves", "catalog", name, "directory", l.Dir())
	}
}

// watchConnection logs when the connection is lost, and when it is back.
func (st *serving) watchConnection(ctx context.Context) {
	changes := st.nc.StatusChanged(nats.RECONNECTING, nats.CONNECTED)
	defer st.nc.RemoveStatusListener(changes)
	connected := true
	for {
		select {
		case <-ctx.Done():
			return
		case status, open := <-changes:
			is := status == nats.CONNECTED
			switch {
			case !open:
				return
			case is == connected:
				continue
			case is:
				st.log.Info("connected again")
			default:
				st.log.Info("the connection is lost, and tried again")
			}
			if connected = is; st.board != nil {
				st.board.connected(is)
			}
		}
	}
}

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

// lookInterval is how often serve looks which catalogs there are.
const lookInterval = time.Second

// A stall is the catalogs that serve serves: those that it is to, as far as they can be opened. What is made later is added,
// what is forgotten (natster catalog rm) is dropped, and what cannot be opened is tried again.
type stall struct {
	*session
	files  catalogFiles
	wanted func() ([]events.Catalog, error)
	log    *slog.Logger
	failed map[events.Catalog]string // why not; said once

	mu     sync.Mutex
	server *server.Server // the one that runs
	open   map[events.Catalog]*library.Library
}

// serve serves the catalogs called names until ctx is done, and from then on those that are wanted.
func (s *session) serve(ctx context.Context, files catalogFiles, names []events.Catalog, wanted func() ([]events.Catalog, error)) error {
	board := s.board()
	st := &stall{
		session: s, files: files, wanted: wanted, log: s.activityLog(board),
		failed: make(map[events.Catalog]string), open: make(map[events.Catalog]*library.Library),
	}
	libs, err := st.first(ctx, names)
	if err != nil {
		return err
	}
	c := server.Config{Conn: s.nc, Account: s.me.Account, Shares: s.api, Logger: st.log}
	seen := newRequests(st.find)
	c.Observe = seen.observe
	if board != nil {
		board.path = seen.path
		c.Observe = board.observe
	}
	return st.run(ctx, c, libs, seen, board)
}

// first opens and reads the catalogs that serve begins with. It fails if there is none.
func (st *stall) first(ctx context.Context, names []events.Catalog) (libs []*library.Library, err error) {
	for _, name := range names {
		bar := st.Bar("reading " + name.String())
		l, openErr := st.files.open(ctx, library.Config{Progress: showScan(bar), Logger: st.log}, name)
		if openErr == nil {
			libs = append(libs, l)
			_, openErr = l.Scan(ctx)
			bar.Clear()
			st.noteMissing(l)
		}
		bar.Clear()
		switch {
		case ctx.Err() != nil:
			return libs, ctx.Err()
		case openErr == nil || errors.Is(openErr, catalog.ErrAway): // what is away is served when it comes
		default:
			err = openErr
			st.failed[name] = openErr.Error()
			st.Note("%s: %s; tried again", name, term.OneLine(openErr.Error()))
		}
	}
	if len(libs) > 0 {
		err = nil
	}
	return libs, err
}

// run serves until ctx is done, and returns when everything has ended. Only after a panic it begins anew.
func (st *stall) run(ctx context.Context, c server.Config, libs []*library.Library, seen *requests, board *board) error {
	running, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer stop()
	for _, l := range libs {
		st.set(l.Name(), l)
	}
	var failed error
	report := func(err error) {
		if err != nil && !errors.Is(err, supervise.ErrPanic) {
			failed = err
			stop()
		}
	}
	serving := supervise.Go(running, supervise.Config{Logger: st.log, Report: report},
		func(ctx context.Context, ready func()) error {
			c.Catalogs = st.libraries()
			return server.Serve(ctx, c, func(s *server.Server) {
				st.mu.Lock()
				st.server = s
				st.mu.Unlock()
				ready()
			})
		})
	if err := serving.Started(ctx); err != nil {
		serving.Wait()
		return errors.Join(err, ctx.Err())
	}
	var list []servedCatalog
	for _, l := range libs {
		c := l.Contents()
		list = append(list, servedCatalog{l.Name(), l.Dir(), len(c.Entries), c.Size()})
	}
	st.printServing(list, board != nil)
	beside.Go(func() { seen.write(running, st.log) })
	beside.Go(func() { st.watchConnection(running, board) })
	if board != nil {
		beside.Go(func() { board.run(running, st.log) })
	}
	beside.Go(func() { st.keep(running) })
	serving.Wait()
	stop()
	return errors.Join(failed, ctx.Err())
}

// running is the server that runs now.
func (st *stall) running() *server.Server {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.server
}

// libraries are those of the catalogs that are served, by name.
func (st *stall) libraries() (all []server.Library) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, l := range st.open {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b server.Library) int { return strings.Compare(a.Name().String(), b.Name().String()) })
	return all
}

// find is the library of a catalog that is served, or nil.
func (st *stall) find(c events.Catalog) *library.Library {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.open[c]
}

// set notes that l is served under that name, or no longer: nil.
func (st *stall) set(c events.Catalog, l *library.Library) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.open[c] = l; l == nil {
		delete(st.open, c)
	}
}

// keep looks at the shelf from time to time, until ctx is done.
func (st *stall) keep(ctx context.Context) {
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			st.look(ctx)
		}
	}
}

// look serves what is there now and drops what is not.
func (st *stall) look(ctx context.Context) {
	for name, l := range st.open { // changed by this goroutine alone from now on
		why := ""
		if _, err := os.Stat(st.files.file(name)); errors.Is(err, fs.ErrNotExist) {
			why = "it was forgotten"
		} else if l.Elsewhere() {
			why = "it is another directory's now"
		}
		if why != "" {
			st.running().Drop(name)
			st.set(name, nil)
			st.log.Info("no longer serves", "catalog", name, "reason", why)
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

// add serves one catalog more. What cannot be opened is said once, and tried again.
func (st *stall) add(ctx context.Context, name events.Catalog) {
	if _, err := os.Stat(st.files.file(name)); err != nil {
		return // forgotten, and not made again
	}
	l, err := st.files.open(ctx, library.Config{Logger: st.log}, name)
	if err == nil {
		err = st.running().Add(l)
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		if st.failed[name] != err.Error() {
			st.log.Warn("cannot serve", "catalog", name, "reason", err.Error())
		}
		st.failed[name] = err.Error()
	default:
		delete(st.failed, name)
		st.set(name, l)
		st.log.Info("serves", "catalog", name, "reason", l.Dir())
	}
}

// watchConnection tells when the connection is lost, and when it is back.
func (st *stall) watchConnection(ctx context.Context, board *board) {
	changes := st.nc.StatusChanged(nats.RECONNECTING, nats.CONNECTED)
	defer st.nc.RemoveStatusListener(changes)
	lost := false
	for {
		select {
		case <-ctx.Done():
			return
		case now, open := <-changes:
			if !open {
				return
			}
			if is := now != nats.CONNECTED; is != lost {
				lost = is
				if lost {
					st.log.Info("the connection is lost, and tried again")
				} else {
					st.log.Info("connected again")
				}
				if board != nil {
					board.connected(!lost)
				}
			}
		}
	}
}

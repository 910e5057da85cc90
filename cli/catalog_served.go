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
	files  catalogFiles
	wanted func() ([]events.Catalog, error)
	log    *slog.Logger
	failed map[events.Catalog]string // errors of catalogs that cannot be opened; each is logged once

	mu     sync.Mutex
	server *server.Server // the one that runs now
	open   map[events.Catalog]*library.Library
}

// serve serves the catalogs called names and then those that are wanted, until ctx is done.
func (s *session) serve(
	ctx context.Context, files catalogFiles, names []events.Catalog, wanted func() ([]events.Catalog, error),
) error {
	board := s.board()
	st := &serving{
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
func (st *serving) first(ctx context.Context, names []events.Catalog) (libs []*library.Library, err error) {
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
		case openErr == nil || errors.Is(openErr, catalog.ErrAway): // it is served when its directory is back
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

// run serves until ctx is done, and returns when everything has ended. It starts again only after a panic.
func (st *serving) run(ctx context.Context, c server.Config, libs []*library.Library, seen *requests,
	board *board) error {
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

// keep calls look from time to time, until ctx is done.
func (st *serving) keep(ctx context.Context) {
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
func (st *serving) watchConnection(ctx context.Context, board *board) {
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

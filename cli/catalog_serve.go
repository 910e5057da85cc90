package cli

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"natster/events"
	"natster/workloads/catalog/library"
	"natster/workloads/catalog/server"

	"github.com/urfave/cli/v2"
)

func catalogServeCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "serve",
		Usage:     "serve your catalogs until Ctrl-C, and follow their directories",
		ArgsUsage: "[CATALOG...]",
		Description: `Without a name all your catalogs are served. What changes in a directory shows at once; who lists and downloads what
is printed as it happens.

   natster catalog serve films`,
		Action: e.online(0, -1, func(ctx context.Context, s *session, _ *cli.Context, arg []string) error {
			defer s.written.endWithReader(ctx)()
			shelf, err := s.shelf(s.me)
			if err != nil {
				return err
			}
			names, err := shelf.chosen(arg)
			if err != nil {
				return err
			}
			log := s.activityLog()
			var libs []*library.Library
			defer func() {
				for _, l := range libs {
					_ = l.Close() // nothing was written through it
				}
			}()
			for _, name := range names {
				bar := s.bar("reading " + name.String())
				l, err := shelf.open(ctx, library.Config{Progress: bar.scan, Logger: log}, name)
				if err != nil {
					return err
				}
				libs = append(libs, l)
				_, err = l.Scan(ctx)
				bar.clear()
				if err != nil && !errors.Is(err, library.ErrAway) { // what is away is served when it comes
					return err
				}
				s.noteMissing(l)
			}
			return s.serve(ctx, libs, server.Config{Conn: s.nc, Account: s.me.Account, Shares: s.api, Logger: log})
		}),
	}
}

// chosen are the catalogs with these names, or all.
func (s shelf) chosen(names []string) ([]events.Catalog, error) {
	var all []events.Catalog
	for _, n := range names {
		c, err := s.find(n)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	if len(names) > 0 {
		return all, nil
	}
	all, err := s.names()
	if err == nil && len(all) == 0 {
		err = hint(errors.New("there is no catalog to serve"), "catalog new NAME DIR")
	}
	return all, err
}

// serve serves libs and follows them until ctx is done, and returns when both have ended.
func (s *session) serve(ctx context.Context, libs []*library.Library, c server.Config) error {
	for _, l := range libs {
		c.Catalogs = append(c.Catalogs, server.Local(l))
	}
	seen := newRequests(libs)
	c.Observe = seen.observe
	srv, err := server.New(c)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var writing sync.WaitGroup
	writing.Go(func() { seen.write(ctx, c.Logger) })
	defer writing.Wait()
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- srv.RunLocal(ctx, libs...) }()
	select {
	case <-srv.Ready():
		s.printServing(libs)
		return errors.Join(<-ended, ctx.Err())
	case err := <-ended:
		return errors.Join(err, ctx.Err())
	}
}

func (s *session) printServing(libs []*library.Library) {
	type serving struct {
		Catalog   events.Catalog `json:"catalog"`
		Directory string         `json:"directory"`
		Files     int            `json:"files"`
		Bytes     int64          `json:"bytes"`
	}
	var all []serving
	for _, l := range libs {
		c := l.Contents()
		all = append(all, serving{l.Name(), l.Dir(), len(c.Entries), c.Size()})
	}
	// What follows on stdout is the activity; a failed write there shows in the next.
	_ = s.printLine(map[string]any{"serving": all}, func() {
		t := table{head: []string{"SERVING", "FILES", "SIZE", "DIRECTORY"}, end: []int{1, 2}}
		for _, x := range all {
			t.row(x.Catalog.String(), strconv.Itoa(x.Files), size(x.Bytes), x.Directory)
		}
		s.printTable(t, "")
		s.say("\n%s", s.out.dim("Ctrl-C ends it. What happens:"))
	})
}

package cli

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"natster/cli/contexts"
	"natster/cli/hint"
	"natster/cli/term"
	"natster/events"
	"natster/workloads/catalog/library"
	"natster/workloads/catalog/server"
)

func (s *session) serve(ctx context.Context, c *cli.Context, arg []string) error {
	defer s.Stdout.WatchReader(ctx)()
	limits, err := serveLimits(c)
	if err != nil {
		return err
	}
	names, err := s.files.chosen(arg)
	if err != nil {
		return err
	}
	if err := s.connectWhenThere(ctx); err != nil {
		return err
	}
	st := &serving{
		session: s, wanted: s.files.names, board: s.board(), limits: limits,
		failed: make(map[events.Catalog]string), open: make(map[events.Catalog]*library.Library),
	}
	if len(arg) > 0 {
		st.wanted = func() ([]events.Catalog, error) { return names, nil }
	}
	st.log, st.seen = s.activityLog(st.board), newRequests(st.find)
	served, err := st.first(ctx, names)
	if err != nil {
		return err
	}
	return st.run(ctx, served)
}

// serveLimits returns the limits that the flags of serve set, and no others.
func serveLimits(c *cli.Context) (l server.Limits, err error) {
	if c.IsSet("limit") {
		if l.Upload, err = parseRate(c.String("limit")); err != nil {
			return l, misused(c.Command, "--limit: %v", err)
		}
	}
	if c.IsSet("sessions") {
		l.CallerSessions = c.Int("sessions")
		if most := server.DefaultLimits().Sessions; l.CallerSessions < 1 || l.CallerSessions > most {
			return l, misused(c.Command, "--sessions is how many files one account may read at a time, 1 to %d", most)
		}
	}
	return l, nil
}

// chosen returns the catalogs with these names, or all.
func (s catalogFiles) chosen(names []string) ([]events.Catalog, error) {
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
		err = hint.Add(errors.New("there is no catalog to serve"), "catalog new NAME DIR")
	}
	return all, err
}

// connectWhenThere connects s, and waits for a world that is not running yet, or cannot be reached.
func (s *session) connectWhenThere(ctx context.Context) error {
	const pause = time.Second
	for said := false; ; said = true {
		err := s.connect(ctx)
		if ctx.Err() != nil || !contexts.IsAbsent(err) {
			return err
		}
		if !said {
			s.Note("%s; waiting for it", term.OneLine(err.Error()))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// A servedCatalog is a catalog in the list of those that are served.
type servedCatalog struct {
	Catalog   events.Catalog `json:"catalog"`
	Directory string         `json:"directory"`
	Files     int            `json:"files"`
	Bytes     int64          `json:"bytes"`
}

func (st *serving) printServing(all []servedCatalog) {
	// What follows on stdout is the activity; a failed write there shows in the next.
	about := map[string]any{"serving": all}
	if st.limits.Upload > 0 {
		about["limit"] = st.limits.Upload
	}
	if st.limits.CallerSessions > 0 {
		about["sessions"] = st.limits.CallerSessions
	}
	_ = st.PrintLine(about, func() {
		t := term.Table{Head: []string{"SERVING", "FILES", "SIZE", "DIRECTORY"}, End: []int{1, 2}}
		for _, x := range all {
			t.Row(x.Catalog.String(), strconv.Itoa(x.Files), term.Bytes(x.Bytes), x.Directory)
		}
		st.Table(t)
		if n := st.limits.Upload; n > 0 {
			st.Say("others get at most %s, in all", term.Rate(n, 1))
		}
		if n := st.limits.CallerSessions; n > 0 {
			st.Say("an account may read %s at a time", term.Count(n, "file"))
		}
		if st.board != nil {
			st.Say("\n%s\n", st.Out.Dim("Ctrl-C ends it."))
		} else {
			st.Say("\n%s", st.Out.Dim("Ctrl-C ends it. What happens:"))
		}
	})
}

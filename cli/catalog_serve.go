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
)

func (s *session) serve(ctx context.Context, _ *cli.Context, arg []string) error {
	defer s.Stdout.WatchReader(ctx)()
	names, err := s.files.chosen(arg)
	if err != nil {
		return err
	}
	if err := s.connectWhenThere(ctx); err != nil {
		return err
	}
	st := &serving{
		session: s, wanted: s.files.names, board: s.board(),
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
	_ = st.PrintLine(map[string]any{"serving": all}, func() {
		t := term.Table{Head: []string{"SERVING", "FILES", "SIZE", "DIRECTORY"}, End: []int{1, 2}}
		for _, x := range all {
			t.Row(x.Catalog.String(), strconv.Itoa(x.Files), term.Bytes(x.Bytes), x.Directory)
		}
		st.Table(t)
		if st.board != nil {
			st.Say("\n%s\n", st.Out.Dim("Ctrl-C ends it."))
		} else {
			st.Say("\n%s", st.Out.Dim("Ctrl-C ends it. What happens:"))
		}
	})
}

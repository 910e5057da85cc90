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
)

func catalogServeCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "serve",
		Usage:     "serve your catalogs until Ctrl-C, and follow their directories",
		ArgsUsage: "[CATALOG...]",
		Description: `Without a name all your catalogs are served, also those that you make meanwhile. What changes in a
directory shows at once. A terminal shows who reads what and how fast; elsewhere who lists and downloads what is a line.
If the world is not there, or a directory, serve waits for it.

   natster catalog serve films`,
		Action: args(0, -1, func(ctx context.Context, _ *cli.Context, arg []string) error {
			defer e.Stdout.WatchReader(ctx)()
			me, err := e.me()
			if err != nil {
				return err
			}
			files, err := e.catalogFiles(me)
			if err != nil {
				return err
			}
			names, err := files.chosen(arg)
			if err != nil {
				return err
			}
			s, err := e.openWhenThere(ctx)
			if err != nil {
				return err
			}
			defer s.close()
			if len(arg) == 0 {
				return s.serve(ctx, files, names, files.names)
			}
			return s.serve(ctx, files, names, func() ([]events.Catalog, error) { return names, nil })
		}),
	}
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

// openWhenThere is open that waits for a world that is not running yet, or cannot be reached.
func (e *env) openWhenThere(ctx context.Context) (*session, error) {
	const pause = time.Second
	for said := false; ; said = true {
		s, err := e.open(ctx)
		if ctx.Err() != nil || !contexts.IsAbsent(err) {
			return s, err
		}
		if !said {
			e.Note("%s; waiting for it", term.OneLine(err.Error()))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
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

func (s *session) printServing(all []servedCatalog, terminal bool) {
	// What follows on stdout is the activity; a failed write there shows in the next.
	_ = s.PrintLine(map[string]any{"serving": all}, func() {
		t := term.Table{Head: []string{"SERVING", "FILES", "SIZE", "DIRECTORY"}, End: []int{1, 2}}
		for _, x := range all {
			t.Row(x.Catalog.String(), strconv.Itoa(x.Files), term.Bytes(x.Bytes), x.Directory)
		}
		s.Table(t, "")
		if terminal {
			s.Say("\n%s\n", s.Out.Dim("Ctrl-C ends it."))
		} else {
			s.Say("\n%s", s.Out.Dim("Ctrl-C ends it. What happens:"))
		}
	})
}

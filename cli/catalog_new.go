package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"natster/cli/contexts"
	"natster/cli/hint"
	"natster/cli/term"
	"natster/deploy/accounts"
	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog"
	"natster/workloads/catalog/library"
)

func catalogNewCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "new",
		Usage:     "make a catalog of a directory",
		ArgsUsage: "NAME DIR",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "description", Aliases: []string{"d"},
				Usage: "`TEXT` that others see beside the name"},
		},
		Description: `Looks through the directory and remembers what is there. Nothing is copied, and nobody sees it
until you share it. The name is letters and digits; others may have a catalog of the same name, and only your own have
to differ.

   natster catalog new films ~/Films --description "what we watched"`,
		Action: args(2, 2, func(ctx context.Context, c *cli.Context, arg []string) error {
			name, err := events.ParseCatalog(arg[0])
			if err != nil {
				return err
			}
			me, err := e.me()
			if err != nil {
				return err
			}
			s, err := e.catalogFiles(me)
			if err != nil {
				return err
			}
			if _, err := os.Stat(s.file(name)); err == nil {
				return hint.Add(fmt.Errorf("there is a catalog %s already", name), "catalog rescan %s", name)
			}
			if err := e.nameIsClear(ctx, me, s, name); err != nil {
				return err
			}
			if err := e.nameIsFree(ctx, name); err != nil {
				return err
			}
			if arg[1] == "" { // a variable that is not set: it does not mean the current directory
				return hint.Add(errors.New("no directory is named"), "catalog new %s DIR", name)
			}
			dir, err := filepath.Abs(arg[1])
			if err != nil {
				return err
			}
			bar := e.Bar("reading")
			config := library.Config{Dir: dir, Description: c.String("description"), Progress: showScan(bar)}
			lib, err := s.open(ctx, config, name)
			if err != nil {
				return err
			}
			return e.scan(ctx, lib, lib.Scan, bar, e.typed("catalog share %s ACCOUNT", name))
		}),
	}
}

// nameIsClear returns an error if an import has the name, and prints a note if another catalog's name differs in
// capitals only.
func (e *env) nameIsClear(ctx context.Context, me contexts.Context, s catalogFiles, name events.Catalog) error {
	imported, err := me.Imports(ctx)
	if err != nil && !errors.Is(err, accounts.ErrNoWorld) {
		return err
	}
	all, err := s.names()
	if err != nil {
		return err
	}
	for _, i := range imported {
		if i.As == name {
			return e.twoCalled(name, i)
		}
		all = append(all, i.As)
	}
	for _, c := range all {
		if strings.EqualFold(c.String(), name.String()) {
			const text = "%s and %s differ in capitals only: people confuse them, as the original Natster does"
			e.Note(text, name, c)
		}
	}
	return nil
}

// nameIsFree asks the functions whether the account may use name. If they cannot be asked, that shows when it is
// shared.
func (e *env) nameIsFree(ctx context.Context, name events.Catalog) error {
	s, err := e.open(ctx)
	if err != nil {
		e.Note("%s", e.Err.Dim("the name could not be checked now: "+term.OneLine(err.Error())))
		return nil
	}
	defer s.close()
	shares, err := s.api.Shares(ctx)
	if err != nil && !errors.Is(err, api.ErrUnavailable) {
		return err
	}
	with := 0
	for _, x := range shares {
		if x.From == s.me.Account && x.Catalog == name {
			with++
		}
	}
	if with > 0 { // the account had a catalog of that name before
		e.Note("%s is shared with %s already, who will see what is in it", name, term.Count(with, "account"))
		return nil
	}
	v, err := s.api.ValidateName(ctx, name.String())
	if err != nil && !errors.Is(err, api.ErrUnavailable) {
		return err
	}
	if err == nil && !v.Valid {
		return hint.Add(errors.New(v.Message), "catalog new NAME DIR")
	}
	return nil
}

func catalogRescanCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "rescan",
		Usage:     "look through a catalog's directory again",
		ArgsUsage: "CATALOG",
		Description: `Reads what is new or changed, and nothing else. While a catalog is served it follows its directory
by itself. A disk that is away, or lost nearly all its files, is not believed to be emptied: its files stay listed.

   natster catalog rescan films
   natster catalog rescan films --accept-empty`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "accept-empty", Usage: "what is not there is gone for good: forget it"},
		},
		Action: e.own(1, 1, func(ctx context.Context, s catalogFiles, c *cli.Context, arg []string) error {
			name, err := s.find(arg[0])
			if err != nil {
				return err
			}
			bar := e.Bar("reading")
			lib, err := s.open(ctx, library.Config{Progress: showScan(bar)}, name)
			if err != nil {
				return err
			}
			if c.Bool("accept-empty") {
				return e.scan(ctx, lib, lib.ScanAccepting, bar, "")
			}
			return e.scan(ctx, lib, lib.Scan, bar, "")
		}),
	}
}

// A scanResult is what a scan found, for scripts.
type scanResult struct {
	Catalog   string    `json:"catalog"`
	Directory string    `json:"directory"`
	Files     int       `json:"files"`
	Bytes     int64     `json:"bytes"`
	Added     int       `json:"added"`
	Changed   int       `json:"changed"`
	Removed   int       `json:"removed"`
	Away      []away    `json:"away"` // parts that are not there now, and stay listed
	LeftOut   []leftOut `json:"left_out"`
	Seconds   float64   `json:"seconds"`
}

type leftOut struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

type away struct {
	Path   string `json:"path"`
	Files  int    `json:"files"`
	Reason string `json:"reason"`
}

// A scanner is a scan of a library: its Scan or ScanAccepting.
type scanner func(context.Context) (library.Report, error)

// scan scans lib and prints what it found, and next, a line to type, unless it is empty.
func (e *env) scan(ctx context.Context, lib *library.Library, scan scanner, bar *term.Bar, next string) error {
	r, err := scan(ctx)
	bar.Clear()
	switch {
	case errors.Is(err, catalog.ErrAway):
		return hint.Add(fmt.Errorf("%w (mount it and scan again, or, if it is empty for good, forget them)", err),
			"catalog rescan %s --accept-empty", lib.Name())
	case errors.Is(err, library.ErrDirectory):
		return hint.Add(err, "catalog rm %s", lib.Name())
	case ctx.Err() != nil:
		e.Note("interrupted; %s goes on from here", e.typed("catalog rescan %s", lib.Name()))
		return ctx.Err()
	case err != nil:
		return err
	}
	out := scanResult{
		lib.Name().String(), lib.Dir(), r.Files, r.Bytes, r.Added, r.Changed, r.Removed, []away{}, []leftOut{},
		r.Elapsed.Seconds(),
	}
	for _, a := range lib.Away() {
		out.Away = append(out.Away, away{a.Path, a.Files, a.Why})
	}
	for _, k := range lib.Skipped() {
		out.LeftOut = append(out.LeftOut, leftOut{k.Path, string(k.Reason)})
	}
	e.noteMissing(lib)
	return e.Print(out, func() {
		e.Say("catalog %s: %s in %s", e.Out.Bold(out.Catalog), totals(lib.Contents()), out.Directory)
		if r.Added != r.Files {
			e.Say("  %d added, %d changed, %d removed", r.Added, r.Changed, r.Removed)
		}
		if next != "" {
			e.Say("\nNext: %s", next)
		}
	})
}

// noteMissing prints what of the directory is away, and what is left out.
func (e *env) noteMissing(lib *library.Library) {
	for _, a := range lib.Away() {
		e.Note("%s: away: %s", lib.Name(), a)
	}
	for _, o := range lib.LeftOut() {
		var some []string
		for _, k := range o.Examples {
			text := fmt.Sprintf("%q", k.Path)
			if k.Detail != "" {
				text += " (" + k.Detail + ")"
			}
			some = append(some, text)
		}
		if more := o.Count - len(some); more > 0 {
			some = append(some, fmt.Sprintf("and %d more", more))
		}
		e.Note("%s: left out, %d %s: %s", lib.Name(), o.Count, o.Reason, strings.Join(some, ", "))
	}
}

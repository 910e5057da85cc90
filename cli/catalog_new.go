package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"natster/cli/hint"
	"natster/cli/term"
	"natster/deploy/accounts"
	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog"
	"natster/workloads/catalog/library"
)

func (s *session) newCatalog(ctx context.Context, c *cli.Context, arg []string) error {
	name, err := events.ParseCatalog(arg[0])
	if err != nil {
		return err
	}
	if _, err := os.Stat(s.files.file(name)); err == nil {
		return hint.Add(fmt.Errorf("there is a catalog %s already", name), "catalog rescan %s", name)
	}
	if err := s.nameIsClear(ctx, name); err != nil {
		return err
	}
	if err := s.nameIsFree(ctx, name); err != nil {
		return err
	}
	if arg[1] == "" { // a variable that is not set: it does not mean the current directory
		return hint.Add(errors.New("no directory is named"), "catalog new %s DIR", name)
	}
	dir, err := filepath.Abs(arg[1])
	if err != nil {
		return err
	}
	config := library.Config{Dir: dir, Description: c.String("description")}
	return s.scan(ctx, config, name, (*library.Library).Scan, s.typed("catalog share %s ACCOUNT", name))
}

// nameIsClear returns an error if an import has the name, and prints a note if another catalog's name differs in
// capitals only.
func (s *session) nameIsClear(ctx context.Context, name events.Catalog) error {
	imported, err := s.me.Imports(ctx)
	if err != nil && !errors.Is(err, accounts.ErrNoWorld) {
		return err
	}
	if err := s.clash(name, imported); err != nil {
		return err
	}
	all, err := s.files.names()
	if err != nil {
		return err
	}
	for _, i := range imported {
		all = append(all, i.As)
	}
	for _, c := range all {
		if strings.EqualFold(c.String(), name.String()) {
			const text = "%s and %s differ in capitals only: people confuse them, as the original Natster does"
			s.Note(text, name, c)
		}
	}
	return nil
}

// nameIsFree asks the functions whether the account may use name. If they cannot be asked, that shows when it is
// shared.
func (s *session) nameIsFree(ctx context.Context, name events.Catalog) error {
	if err := s.connect(ctx); err != nil {
		s.Note("%s", s.Err.Dim("the name could not be checked now: "+term.OneLine(err.Error())))
		return nil
	}
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
		s.Note("%s is shared with %s already, who will see what is in it", name, term.Count(with, "account"))
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

func (s *session) rescan(ctx context.Context, c *cli.Context, arg []string) error {
	name, err := s.files.find(arg[0])
	if err != nil {
		return err
	}
	if c.Bool("accept-empty") {
		return s.scan(ctx, library.Config{}, name, (*library.Library).ScanAccepting, "")
	}
	return s.scan(ctx, library.Config{}, name, (*library.Library).Scan, "")
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

// A scanner is Scan or ScanAccepting.
type scanner func(*library.Library, context.Context) (library.Report, error)

// scan scans the catalog called name and prints what it found, and next, a line to type, unless it is empty.
func (s *session) scan(
	ctx context.Context, c library.Config, name events.Catalog, scan scanner, next string,
) error {
	bar := s.Bar("reading")
	c.Progress = showScan(bar)
	lib, err := s.files.open(ctx, c, name)
	if err != nil {
		return err
	}
	r, err := scan(lib, ctx)
	bar.Clear()
	switch {
	case errors.Is(err, catalog.ErrAway):
		return hint.Add(fmt.Errorf("%w (mount it and scan again, or, if it is empty for good, forget them)", err),
			"catalog rescan %s --accept-empty", name)
	case errors.Is(err, library.ErrDirectory):
		return hint.Add(err, "catalog rm %s", name)
	case ctx.Err() != nil:
		s.Note("interrupted; %s goes on from here", s.typed("catalog rescan %s", name))
		return ctx.Err()
	case err != nil:
		return err
	}
	out := scanResult{
		name.String(), lib.Dir(), r.Files, r.Bytes, r.Added, r.Changed, r.Removed, []away{}, []leftOut{},
		r.Elapsed.Seconds(),
	}
	for _, a := range lib.Away() {
		out.Away = append(out.Away, away{a.Path, a.Files, a.Why})
	}
	for _, k := range lib.Skipped() {
		out.LeftOut = append(out.LeftOut, leftOut{k.Path, string(k.Reason)})
	}
	s.noteMissing(lib)
	return s.Print(out, func() {
		s.Say("catalog %s: %s in %s", s.Out.Bold(out.Catalog), totals(lib.Contents()), out.Directory)
		if r.Added != r.Files {
			s.Say("  %d added, %d changed, %d removed", r.Added, r.Changed, r.Removed)
		}
		if next != "" {
			s.Say("\nNext: %s", next)
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
		e.Note("%s: %d left out: %s: %s", lib.Name(), o.Count, o.Reason, strings.Join(some, ", "))
	}
}

package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"natster/cli/contexts"
	"natster/cli/term"
	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog"
	"natster/workloads/catalog/library"
)

// A catalogRow is a catalog in a listing.
type catalogRow struct {
	Name      events.Catalog `json:"catalog"`
	Original  events.Catalog `json:"original,omitzero"` // what its owner calls an import, if that is another name
	Owner     events.Account `json:"owner"`
	Own       bool           `json:"own"`
	Online    bool           `json:"online"`
	Files     int            `json:"files,omitempty"`
	Bytes     int64          `json:"bytes,omitempty"`
	Directory string         `json:"directory,omitempty"`
	Shares    int            `json:"shares,omitempty"` // of an own catalog: with how many accounts
}

func (s *session) listCatalogs(ctx context.Context, _ *cli.Context, _ []string) error {
	err := s.connect(ctx)
	switch {
	case contexts.IsAbsent(err):
		s.Note("%s", s.Err.Dim(term.OneLine(err.Error())))
	case err != nil:
		return err
	}
	rows, err := s.catalogs(ctx)
	if err != nil {
		return err
	}
	t := term.Table{
		Head: []string{"NAME", "OWNER", "ONLINE", "FILES", "SIZE", "SHARES", "DIRECTORY"}, End: []int{3, 4, 5},
		Empty: "no catalogs yet; make one with: natster catalog new NAME DIR",
	}
	return term.PrintRows(s.Printer, rows, t, func(r catalogRow) []string {
		if !r.Own {
			return []string{r.Name.String(), s.contacts.Name(r.Owner), yes(r.Online), "", "", "", ""}
		}
		return []string{r.Name.String(), "you", yes(r.Online), strconv.Itoa(r.Files), term.Bytes(r.Bytes),
			strconv.Itoa(r.Shares), r.Directory}
	})
}

// catalogs returns the account's own catalogs and then those that it imported.
func (s *session) catalogs(ctx context.Context) ([]catalogRow, error) {
	var rows []catalogRow
	mine, err := s.files.names()
	if err != nil {
		return nil, err
	}
	imported, err := s.me.Imports(ctx)
	if err != nil {
		return nil, err
	}
	var shares []api.Share
	if s.nc != nil {
		if shares, err = s.api.Shares(ctx); err != nil {
			return nil, err
		}
	}
	for _, c := range mine {
		r := catalogRow{Name: c, Owner: s.me.Account, Own: true}
		contents, dir, err := library.ReadFile(s.files.file(c))
		if err != nil {
			s.Note("%s", term.OneLine(err.Error()))
		}
		r.Files, r.Bytes, r.Directory = len(contents.Entries), contents.Size(), dir
		for _, x := range shares {
			if x.From == s.me.Account && x.Catalog == c {
				r.Online = r.Online || x.Online
				r.Shares++
			}
		}
		rows = append(rows, r)
	}
	for _, i := range imported {
		r := catalogRow{Name: i.As, Owner: i.Owner}
		if i.As != i.Catalog {
			r.Original = i.Catalog
		}
		for _, x := range shares {
			r.Online = r.Online || x.Online && x.From == r.Owner && x.To == s.me.Account && x.Catalog == i.Catalog
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func (s *session) showContents(ctx context.Context, c *cli.Context, arg []string) error {
	name, own, err := s.readable(ctx, arg[0])
	if err != nil {
		return err
	}
	contents, err := s.list(ctx, name, own)
	if err != nil {
		return err
	}
	s.noteRefused(contents)
	return s.Print(newContentsResult(contents), func() { s.printContents(contents, c.Bool("long")) })
}

// list reads the file of an own catalog, and asks the owner of an import.
func (s *session) list(ctx context.Context, c events.Catalog, own bool) (catalog.Contents, error) {
	if own {
		contents, _, err := library.ReadFile(s.files.file(c))
		return contents, err
	}
	if err := s.connect(ctx); err != nil {
		return catalog.Contents{}, err
	}
	return s.client().List(ctx, c)
}

// noteRefused prints which entries of a listing are left out because they are not valid.
func (e *env) noteRefused(c catalog.Contents) {
	const most = 10
	for _, r := range c.Refused[:min(len(c.Refused), most)] {
		e.Note("left out: %s", term.OneLine(r.Err.Error()))
	}
	if more := len(c.Refused) - most; more > 0 {
		e.Note("left out: %s more", term.Count(more, "entry"))
	}
}

func (e *env) printContents(c catalog.Contents, long bool) {
	if c.Description != "" {
		e.Say("%s: %s\n", e.Out.Bold(c.Name.String()), term.Quoted(c.Description))
	}
	t := term.Table{
		Head: []string{"PATH", "SIZE", "MODIFIED", "TYPE", "HASH", "DESCRIPTION"}, End: []int{1},
		Empty: "nothing is in this catalog",
	}
	for _, f := range c.Entries {
		modified, hash, description := "", f.Hash.Short(), term.Fit(f.Description, 40)
		if long {
			hash, description = f.Hash.String(), f.Description
			if at := f.ModTime(); !at.IsZero() {
				modified = at.Local().Format(time.DateTime)
			}
		}
		if description != "" {
			description = term.Quoted(description)
		}
		t.Row(catalog.Shown(f.Path), term.Bytes(f.Size), modified, f.MIMEType, hash, description)
	}
	e.Table(t)
	if len(c.Entries) > 0 {
		e.Say("\n%s", e.Out.Dim(totals(c)))
	}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "-"
}

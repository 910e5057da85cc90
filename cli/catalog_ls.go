package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"natster/cli/term"
	"natster/events"
	"natster/functions/api"
	"natster/workloads/catalog"
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

func catalogLsCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:  "ls",
		Usage: "list your catalogs and those you have imported",
		Description: `Your own come first. Whether a catalog is being served is known only of catalogs that are shared,
and while the world runs.

   natster catalog ls`,
		Action: args(0, 0, func(ctx context.Context, _ *cli.Context, _ []string) error {
			s, err := e.openAnyway(ctx)
			if err != nil {
				return err
			}
			defer s.close()
			rows, err := s.catalogs(ctx)
			if err != nil {
				return err
			}
			return s.Print(rows, func() {
				head := []string{"NAME", "OWNER", "ONLINE", "FILES", "SIZE", "SHARES", "DIRECTORY"}
				t := term.Table{Head: head, End: []int{3, 4, 5}}
				for _, r := range rows {
					if r.Own {
						t.Row(r.Name.String(), "you", yes(r.Online), strconv.Itoa(r.Files), term.Bytes(r.Bytes),
							strconv.Itoa(r.Shares), r.Directory)
					} else {
						t.Row(r.Name.String(), s.contacts.Name(r.Owner), yes(r.Online), "", "", "", "")
					}
				}
				s.Table(t, "no catalogs yet; make one with: natster catalog new NAME DIR")
			})
		}),
	}
}

// catalogs returns the account's own catalogs and then those that it imported.
func (s *session) catalogs(ctx context.Context) ([]catalogRow, error) {
	rows := []catalogRow{}
	files, err := s.catalogFiles(s.me)
	if err != nil {
		return nil, err
	}
	mine, err := files.names()
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
		contents, dir, err := files.read(c)
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

func catalogContentsCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "contents",
		Usage:     "list what is in a catalog, yours or an imported one",
		ArgsUsage: "CATALOG",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "long", Aliases: []string{"l"},
				Usage: "whole hashes and descriptions, and when files were modified"},
		},
		Description: `Files are named by their path, or by the beginning of their hash, wherever a file is asked for.
Your own catalog is listed as of its last scan; another's is asked for now, so its owner has to serve it.

   natster catalog contents films`,
		Action: args(1, 1, func(ctx context.Context, c *cli.Context, arg []string) error {
			contents, err := e.contents(ctx, arg[0])
			if err != nil {
				return err
			}
			e.noteRefused(contents)
			return e.Print(newContentsResult(contents), func() { e.printContents(contents, c.Bool("long")) })
		}),
	}
}

// contents reads the file of an own catalog, and asks the owner of an import.
func (e *env) contents(ctx context.Context, name string) (catalog.Contents, error) {
	me, err := e.me()
	if err != nil {
		return catalog.Contents{}, err
	}
	c, own, err := e.readable(ctx, me, name)
	if err != nil {
		return catalog.Contents{}, err
	}
	if own {
		s, err := e.catalogFiles(me)
		if err != nil {
			return catalog.Contents{}, err
		}
		contents, _, err := s.read(c)
		return contents, err
	}
	s, err := e.open(ctx)
	if err != nil {
		return catalog.Contents{}, err
	}
	defer s.close()
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
		e.Say("%s: %s\n", e.Out.Bold(c.Name.String()), c.Description)
	}
	t := term.Table{Head: []string{"PATH", "SIZE", "TYPE", "HASH", "DESCRIPTION"}, End: []int{1}}
	if long {
		t.Head = []string{"PATH", "SIZE", "MODIFIED", "TYPE", "HASH", "DESCRIPTION"}
	}
	for _, f := range c.Entries {
		if !long {
			t.Row(catalog.Shown(f.Path), term.Bytes(f.Size), f.MIMEType, f.Hash.Short(), term.Fit(f.Description, 40))
			continue
		}
		modified := ""
		if at := f.ModTime(); !at.IsZero() {
			modified = at.Local().Format(time.DateTime)
		}
		t.Row(catalog.Shown(f.Path), term.Bytes(f.Size), modified, f.MIMEType, f.Hash.String(), f.Description)
	}
	e.Table(t, "nothing is in this catalog")
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

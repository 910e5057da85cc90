package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

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
		Description: `Your own come first. Whether a catalog is being served is known only of catalogs that are shared, and while the world runs.

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
			return s.print(rows, func() {
				t := table{head: []string{"NAME", "OWNER", "ONLINE", "FILES", "SIZE", "SHARES", "DIRECTORY"}, end: []int{3, 4, 5}}
				for _, r := range rows {
					if r.Own {
						t.row(r.Name.String(), "you", yes(r.Online, "yes"), strconv.Itoa(r.Files), size(r.Bytes), strconv.Itoa(r.Shares), r.Directory)
					} else {
						t.row(r.Name.String(), s.contacts.name(r.Owner), yes(r.Online, "yes"), "", "", "", "")
					}
				}
				s.printTable(t, "no catalogs yet; make one with: natster catalog new NAME DIR")
			})
		}),
	}
}

// catalogs are the account's own, from its shelf, and then those that it imported.
func (s *session) catalogs(ctx context.Context) ([]catalogRow, error) {
	rows := []catalogRow{}
	shelf, err := s.shelf(s.me)
	if err != nil {
		return nil, err
	}
	mine, err := shelf.names()
	if err != nil {
		return nil, err
	}
	imported, err := s.me.imports(ctx)
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
		contents, dir, err := shelf.read(c)
		if err != nil {
			s.note("%s", oneLine(err.Error()))
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
			if (x == api.Share{From: r.Owner, To: s.me.Account, Catalog: i.Catalog, Online: true, Revision: x.Revision, Imported: x.Imported}) {
				r.Online = true
			}
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
			&cli.BoolFlag{Name: "long", Aliases: []string{"l"}, Usage: "whole hashes and descriptions, and when files were modified"},
		},
		Description: `Files are named by their path, or by the beginning of their hash, wherever a file is asked for. Your own catalog is
listed as of its last scan; another's is asked for now, so its owner has to serve it.

   natster catalog contents films`,
		Action: args(1, 1, func(ctx context.Context, c *cli.Context, arg []string) error {
			contents, err := e.contents(ctx, arg[0])
			if err != nil {
				return err
			}
			e.noteRefused(contents)
			return e.print(contentsAsJSON(contents), func() { e.printContents(contents, c.Bool("long")) })
		}),
	}
}

// contents reads an own catalog from the shelf, and asks the owner of any other.
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
		s, err := e.shelf(me)
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

// noteRefused tells what of a listing cannot be believed, and is left out.
func (e *env) noteRefused(c catalog.Contents) {
	const most = 10
	for _, r := range c.Refused[:min(len(c.Refused), most)] {
		e.note("left out: %s", oneLine(r.Err.Error()))
	}
	if more := len(c.Refused) - most; more > 0 {
		e.note("left out: %s more", count(more, "entry"))
	}
}

func (e *env) printContents(c catalog.Contents, long bool) {
	if c.Description != "" {
		e.say("%s: %s\n", e.out.bold(c.Name.String()), c.Description)
	}
	t := table{head: []string{"PATH", "SIZE", "TYPE", "HASH", "DESCRIPTION"}, end: []int{1}}
	if long {
		t.head = []string{"PATH", "SIZE", "MODIFIED", "TYPE", "HASH", "DESCRIPTION"}
	}
	for _, f := range c.Entries {
		if !long {
			t.row(catalog.Shown(f.Path), size(f.Size), f.MIMEType, f.Hash.Short(), fit(f.Description, 40))
			continue
		}
		modified := ""
		if at := f.ModTime(); !at.IsZero() {
			modified = at.Local().Format(time.DateTime)
		}
		t.row(catalog.Shown(f.Path), size(f.Size), modified, f.MIMEType, f.Hash.String(), f.Description)
	}
	e.printTable(t, "nothing is in this catalog")
	if len(c.Entries) > 0 {
		e.say("\n%s", e.out.dim(totals(c)))
	}
}

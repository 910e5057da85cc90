package cli

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"

	"natster/workloads/catalog"
)

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

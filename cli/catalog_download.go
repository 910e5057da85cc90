package cli

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"natster/events"
	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
)

func catalogDownloadCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "download",
		Usage:     "download files, directories, or all of a catalog",
		ArgsUsage: "CATALOG [PATH...]",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Aliases: []string{"o"}, Usage: "`DIR` for the files (default: named like the catalog), or - for stdout"},
			&cli.BoolFlag{Name: "all", Usage: "everything in the catalog"},
			&cli.BoolFlag{Name: "overwrite", Usage: "replace other files that are in the way"},
			&cli.BoolFlag{Name: "wait", Usage: "for an owner who is not there, until it comes or you press Ctrl-C"},
			&cli.IntFlag{Name: "parallel", Aliases: []string{"jobs"}, Usage: "`N` files at a time", Value: 4},
		},
		Description: `PATH is a file, a directory, or the beginning of a file's hash; of a file or directory its name will do, where there is
only one. In quotes it can be a pattern: '*.jpg' is those files wherever they are, 'videos/*' those of a directory,
'videos/**' also those below. A file has its name only when it is whole and its hash is right; until then it is .partial,
and the same command goes on where an earlier one was interrupted.

   natster catalog download films 2024/holiday.mp4 series/ 9f86d081
   natster catalog download films '*.jpg' 'series/**/*.srt'
   natster catalog download films photo.jpg -o - | feh -
   natster catalog download films --all -o ~/Videos`,
		Action: args(1, -1, func(ctx context.Context, c *cli.Context, arg []string) error {
			switch {
			case len(arg) == 1 && !c.Bool("all"):
				return misused(c.Command, "name what to download, or ask for everything with --all")
			case c.Int("parallel") < 1:
				return misused(c.Command, "--parallel (or --jobs) is how many files come at a time, at least 1")
			case len(arg) > 1 && c.Bool("all"):
				return misused(c.Command, "--all is everything; no path goes with it")
			}
			s, err := e.open(ctx)
			if err != nil {
				return err
			}
			defer s.close()
			name, own, err := s.readable(ctx, s.me, arg[0])
			if err != nil {
				return err
			}
			var contents catalog.Contents
			if c.Bool("wait") {
				contents, err = s.client().Await(ctx, name, func() { s.note("nobody serves %s now: waiting for its owner (Ctrl-C ends it)", name) })
			} else {
				contents, err = s.client().List(ctx, name)
			}
			if errors.Is(err, client.ErrOffline) {
				return e.again(err, "--wait")
			}
			if err != nil {
				return served(err, name, own)
			}
			e.noteRefused(contents)
			if n := len(contents.Refused); len(contents.Entries) == 0 && n > 0 {
				return fmt.Errorf("nothing came of %s: its listing has %s, and all were left out", name, count(n, "entry"))
			}
			entries, err := selected(contents, arg[1:])
			if err != nil {
				return hint(err, "catalog contents %s", name)
			}
			dest := c.String("out")
			if dest == "" {
				dest = name.String()
			}
			o := client.Options{Parallel: c.Int("parallel"), Overwrite: c.Bool("overwrite"), Wait: c.Bool("wait"), Listed: contents.Entries}
			switch {
			case len(entries) == 0:
				return s.print(downloadResult{Directory: dest}, func() { s.say("nothing is in %s", name) })
			case dest != "-":
				return s.download(ctx, name, entries, dest, o, len(contents.Refused))
			case len(entries) > 1:
				return misused(c.Command, "only one file can be written to stdout; these are %d", len(entries))
			}
			return s.stream(ctx, name, entries[0], o)
		}),
	}
}

// selected are the entries that words name, each once, in the catalog's order; no words are all.
func selected(c catalog.Contents, words []string) ([]catalog.Entry, error) {
	if len(words) == 0 {
		return c.Entries, nil
	}
	all, err := c.Select(words...)
	return all, mistyped(c, err)
}

// find is the entry that word names.
func find(c catalog.Contents, word string) (catalog.Entry, error) {
	e, err := c.Find(word)
	return e, mistyped(c, err)
}

// mistyped adds to an error about a word that names nothing what was probably meant.
func mistyped(c catalog.Contents, err error) error {
	f, ok := errors.AsType[*catalog.FindError](err)
	if !ok || len(f.Candidates) > 0 {
		return err
	}
	var names []string
	for _, e := range c.Entries {
		names = append(names, e.Path, path.Base(e.Path))
		for dir := path.Dir(e.Path); dir != "."; dir = path.Dir(dir) {
			names = append(names, dir)
		}
	}
	if near := closest(strings.TrimSuffix(f.What, "/"), names); near != "" {
		return fmt.Errorf("%w; did you mean %q?", err, near)
	}
	return err
}

// client reads catalogs as this session's account.
func (s *session) client() *client.Client {
	return client.NewWith(client.Config{Conn: s.nc, Account: s.me.Account, Origin: s.origin, Logger: s.logger()})
}

// origin is what a catalog's name stands for, as this account's imports have it.
func (s *session) origin(ctx context.Context, name events.Catalog) (client.Origin, error) {
	all, err := s.me.imports(ctx)
	for _, i := range all {
		if i.As == name {
			return client.Origin{Owner: i.Owner, Catalog: i.Catalog}, err
		}
	}
	return client.Origin{Owner: s.me.Account}, err
}

// A downloadResult is what a download did, for scripts.
type downloadResult struct {
	Directory string  `json:"directory"`
	Files     int     `json:"files"`
	There     int     `json:"already_there"`
	Resumed   int     `json:"resumed"`
	LeftOut   int     `json:"left_out"` // of the listing: what cannot be believed
	Bytes     int64   `json:"bytes"`    // received
	Seconds   float64 `json:"seconds"`
}

func (s *session) download(ctx context.Context, name events.Catalog, entries []catalog.Entry, dest string, o client.Options, leftOut int) error {
	bar := s.bar(name.String())
	o.Progress = s.watch(name, bar)
	began := time.Now()
	r, err := s.client().Download(ctx, name, entries, dest, o)
	took := time.Since(began)
	bar.clear()
	if ctx.Err() != nil {
		s.note("interrupted; the same command goes on from here")
		return ctx.Err()
	}
	s.noteOrphans(dest, r.Orphans)
	if err != nil {
		return s.downloadFailed(err, r, len(entries), o.Overwrite)
	}
	out := downloadResult{dest, r.Files, r.Skipped, r.Resumed, leftOut, r.Bytes, took.Seconds()}
	return s.print(out, func() {
		s.say("%s in %s, each checked against its hash", count(r.Files, "file"), s.out.bold(dest))
		switch {
		case r.Skipped == r.Files:
			s.say("  all were there already")
		default:
			s.say("  %s received in %s (%s)", size(r.Bytes), took.Round(time.Millisecond), rate(r.Bytes, took.Seconds()))
			if r.Skipped > 0 {
				s.say("  %d were there already", r.Skipped)
			}
			if r.Resumed > 0 {
				s.say("  %d continued where an earlier download ended", r.Resumed)
			}
		}
		if leftOut > 0 {
			s.say("  %s of the listing left out: see above", count(leftOut, "entry"))
		}
	})
}

// stream writes a file to stdout, and nothing else. That it came whole, and is what was listed, the exit code says.
func (s *session) stream(ctx context.Context, name events.Catalog, e catalog.Entry, o client.Options) error {
	bar := s.bar(name.String())
	o.Progress = s.watch(name, bar)
	err := s.client().Stream(ctx, name, e, s.Stdout, o)
	bar.clear()
	if lost := s.written.failure(); lost != nil && errors.Is(err, lost) {
		return lost // it is not the disk of a download that is full, and nothing goes on from there
	}
	return err
}

// watch shows the progress of a download, also that it waits for the owner: where there is no bar, in lines of its own.
func (s *session) watch(name events.Catalog, bar *bar) func(client.Progress) {
	waiting, received := false, int64(0)
	return func(p client.Progress) {
		bar.download(p)
		switch {
		case s.err.terminal:
		case !waiting && p.Phase == client.Waiting && p.Received == received:
			waiting = true
			s.note("waiting for the owner of %s: %s of %s have come", name, size(p.AllDone), size(p.All))
		case waiting && p.Received > received:
			waiting = false
			s.note("the owner of %s is back", name)
		}
		received = p.Received
	}
}

// downloadFailed says which files did not come, when it is about files and not about all of it, and which of them never will.
func (s *session) downloadFailed(err error, r client.Result, wanted int, overwrite bool) error {
	const most = 10
	all := []error{err}
	if many, ok := err.(interface{ Unwrap() []error }); ok { // as Download joins them, and not as one wraps several
		all = many.Unwrap()
	}
	never, exists := 0, false
	for i, one := range all {
		switch {
		case errors.Is(one, client.ErrTwin), errors.Is(one, client.ErrName), errors.Is(one, client.ErrTooLong),
			errors.Is(one, client.ErrInWay):
			never++
		case errors.Is(one, client.ErrExists):
			exists = true
		}
		if len(all) > 1 && i < most {
			s.note("%s", oneLine(one.Error()))
		}
	}
	if len(all) > 1 {
		missing := wanted - r.Files
		err = fmt.Errorf("%d of %s did not come", missing, count(wanted, "file"))
		switch {
		case never == missing:
			err = fmt.Errorf("%w: this disk has no place for them", err)
		case never > 0:
			err = fmt.Errorf("%w: this disk has no place for %d of them; the same command goes on with the others", err, never)
		default:
			err = fmt.Errorf("%w; the same command goes on with them", err)
		}
	}
	switch {
	case exists && !overwrite:
		return s.again(err, "--overwrite")
	case never > 0:
		return s.again(err, "-o", "DIR")
	}
	return err
}

// noteOrphans names what earlier downloads left and nothing goes on with.
func (s *session) noteOrphans(dest string, orphans []string) {
	const most = 10
	for _, o := range orphans[:min(len(orphans), most)] {
		s.note("unfinished, and no file of the catalog as it is now: %s", oneLine(filepath.Join(dest, o)))
	}
	if more := len(orphans) - most; more > 0 {
		s.note("  and %d more; remove what you do not need", more)
	}
}

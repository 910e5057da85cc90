package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"natster/cli/hint"
	"natster/cli/term"
	"natster/events"
	"natster/workloads/catalog"
	"natster/workloads/catalog/client"
	"natster/workloads/catalog/library"
)

func (s *session) download(ctx context.Context, c *cli.Context, arg []string) error {
	name, _, err := s.readable(ctx, arg[0])
	if err != nil {
		return err
	}
	var contents catalog.Contents
	if c.Bool("wait") {
		contents, err = s.client().Await(ctx, name, func() {
			s.Note("nobody serves %s now: waiting for its owner (Ctrl-C ends it)", name)
		})
	} else {
		contents, err = s.client().List(ctx, name)
	}
	if errors.Is(err, client.ErrOffline) {
		return s.again(err, "--wait")
	}
	if err != nil {
		return err
	}
	s.noteRefused(contents)
	if n := len(contents.Refused); len(contents.Entries) == 0 && n > 0 {
		return fmt.Errorf("nothing came of %s: its listing has %s, and all were left out",
			name, term.Count(n, "entry"))
	}
	entries := contents.Entries
	if len(arg) > 1 {
		if entries, err = contents.Select(arg[1:]...); err != nil {
			return mistyped(contents, name, err)
		}
	}
	dest := cmp.Or(c.String("out"), name.String())
	o := client.Options{
		Parallel: c.Int("parallel"), Overwrite: c.Bool("overwrite"), Wait: c.Bool("wait"),
		Listed: contents.Entries,
	}
	switch {
	case len(entries) == 0:
		return s.Print(downloadResult{Directory: dest}, func() { s.Say("nothing is in %s", name) })
	case dest != "-":
		return s.save(ctx, name, entries, dest, o, len(contents.Refused))
	case len(entries) > 1:
		return misused(c.Command, "only one file can be written to stdout; these are %d", len(entries))
	}
	return s.stream(ctx, name, entries[0], o)
}

// mistyped adds to an error about a word that names nothing in the catalog called name what was probably meant.
func mistyped(c catalog.Contents, name events.Catalog, err error) error {
	if f, ok := errors.AsType[*catalog.FindError](err); ok && len(f.Candidates) == 0 {
		var names []string
		for _, e := range c.Entries {
			names = append(names, e.Path, path.Base(e.Path))
			for dir := path.Dir(e.Path); dir != "."; dir = path.Dir(dir) {
				names = append(names, dir)
			}
		}
		if near := hint.Closest(strings.TrimSuffix(f.What, "/"), names); near != "" {
			err = fmt.Errorf("%w; did you mean %q?", err, near)
		}
	}
	return hint.Add(err, "catalog contents %s", name)
}

// client returns a client that reads catalogs as this session's account.
func (s *session) client() *client.Client {
	return client.New(client.Config{Conn: s.nc, Account: s.me.Account, Origin: s.origin, Logger: s.logger()})
}

// origin returns the catalog that a name stands for in this account's imports, or one of its own.
func (s *session) origin(ctx context.Context, name events.Catalog) (client.Origin, error) {
	all, err := s.me.Imports(ctx)
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
	LeftOut   int     `json:"left_out"` // entries of the listing that are not valid
	Bytes     int64   `json:"bytes"`    // received
	Seconds   float64 `json:"seconds"`
}

// save downloads entries to dest and prints what came. LeftOut is how many entries of the listing are not valid.
func (s *session) save(
	ctx context.Context, name events.Catalog, entries []catalog.Entry, dest string, o client.Options, leftOut int,
) error {
	bar := s.Bar(name.String())
	o.Progress = s.watch(name, bar)
	began := time.Now()
	r, err := s.client().Download(ctx, name, entries, dest, o)
	took := time.Since(began)
	bar.Clear()
	if ctx.Err() != nil {
		s.Note("interrupted; the same command goes on from here")
		return ctx.Err()
	}
	s.noteOrphans(dest, r.Orphans)
	if err != nil {
		return s.downloadFailed(err, r, len(entries), o.Overwrite)
	}
	out := downloadResult{dest, r.Files, r.Skipped, r.Resumed, leftOut, r.Bytes, took.Seconds()}
	return s.Print(out, func() {
		s.Say("%s in %s, each checked against its hash", term.Count(r.Files, "file"), s.Out.Bold(dest))
		switch {
		case r.Skipped == r.Files:
			s.Say("  all were there already")
		default:
			s.Say("  %s received in %s (%s)",
				term.Bytes(r.Bytes), took.Round(time.Millisecond), term.Rate(r.Bytes, took.Seconds()))
			if r.Skipped > 0 {
				s.Say("  %d were there already", r.Skipped)
			}
			if r.Resumed > 0 {
				s.Say("  %d continued where an earlier download ended", r.Resumed)
			}
		}
		if leftOut > 0 {
			s.Say("  %s of the listing left out: see above", term.Count(leftOut, "entry"))
		}
	})
}

// stream writes a file to stdout, and nothing else. The exit code says whether it came whole and is what was listed.
func (s *session) stream(ctx context.Context, name events.Catalog, e catalog.Entry, o client.Options) error {
	bar := s.Bar(name.String())
	o.Progress = s.watch(name, bar)
	err := s.client().Stream(ctx, name, e, s.Stdout, o)
	bar.Clear()
	if lost := s.Stdout.Err(); lost != nil && errors.Is(err, lost) {
		return lost // stdout could not be written: that is not a download to go on with
	}
	return err
}

// showScan shows the progress of a scan on b.
func showScan(b *term.Bar) func(library.Progress) {
	return func(p library.Progress) {
		b.Set(term.State{Done: p.Bytes, All: p.TotalBytes, Fresh: p.Bytes, Doing: catalog.Shown(p.Path)})
	}
}

// phases are what a download does without a speed.
var phases = map[client.Phase]string{
	client.Checking: "checking what is there",
	client.Waiting:  "waiting for the owner",
}

// watch shows the progress of a download. Without a bar it prints lines when it waits for the owner, and when it goes
// on.
func (s *session) watch(name events.Catalog, bar *term.Bar) func(client.Progress) {
	waiting, received := false, int64(0)
	return func(p client.Progress) {
		bar.Set(term.State{
			Done: p.AllDone, All: p.All, Fresh: p.Received, Phase: phases[p.Phase], Doing: catalog.Shown(p.Path),
		})
		switch {
		case s.Err.Terminal:
		case !waiting && p.Phase == client.Waiting && p.Received == received:
			waiting = true
			s.Note("waiting for the owner of %s: %s of %s have come", name, term.Bytes(p.AllDone), term.Bytes(p.All))
		case waiting && p.Received > received:
			waiting = false
			s.Note("the owner of %s is back", name)
		}
		received = p.Received
	}
}

// downloadFailed returns the error of a download. It prints which files did not come, and the error says how many of
// them cannot be on this disk at all.
func (s *session) downloadFailed(err error, r client.Result, wanted int, overwrite bool) error {
	const most = 10
	all := []error{err}
	if many, ok := err.(interface{ Unwrap() []error }); ok { // errors of files, joined by Download
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
			s.Note("%s", term.OneLine(one.Error()))
		}
	}
	if len(all) > 1 {
		missing := wanted - r.Files
		err = fmt.Errorf("%d of %s did not come", missing, term.Count(wanted, "file"))
		switch {
		case never == missing:
			err = fmt.Errorf("%w: this disk has no place for them", err)
		case never > 0:
			err = fmt.Errorf("%w: this disk has no place for %d of them; the same command goes on with the others",
				err, never)
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

// noteOrphans prints which partial files of earlier downloads belong to no file of the catalog.
func (s *session) noteOrphans(dest string, orphans []string) {
	const most = 10
	for _, o := range orphans[:min(len(orphans), most)] {
		s.Note("unfinished, and no file of the catalog as it is now: %s", term.OneLine(filepath.Join(dest, o)))
	}
	if more := len(orphans) - most; more > 0 {
		s.Note("  and %d more; remove what you do not need", more)
	}
}

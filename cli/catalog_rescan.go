package cli

import (
	"context"
	"errors"

	"natster/workloads/catalog/library"

	"github.com/urfave/cli/v2"
)

func catalogRescanCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "rescan",
		Usage:     "look through a catalog's directory again",
		ArgsUsage: "CATALOG",
		Description: `Reads what is new or changed, and nothing else. While a catalog is served it follows its directory by itself.

   natster catalog rescan films`,
		Action: e.own(1, 1, func(ctx context.Context, s shelf, _ *cli.Context, arg []string) error {
			name, err := s.find(arg[0])
			if err != nil {
				return err
			}
			bar := e.bar("reading")
			lib, err := s.open(ctx, library.Config{Progress: bar.scan}, name)
			if err != nil {
				return err
			}
			defer lib.Close()
			return e.scan(ctx, lib, bar, "")
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
	LeftOut   []leftOut `json:"left_out"`
	Seconds   float64   `json:"seconds"`
}

type leftOut struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// scan scans lib and tells what it found, and what to type next if there is anything.
func (e *env) scan(ctx context.Context, lib *library.Library, bar *bar, next string) error {
	r, err := lib.Scan(ctx)
	bar.clear()
	switch {
	case errors.Is(err, library.ErrDirectory):
		return hint(err, "catalog rm %s", lib.Name())
	case ctx.Err() != nil:
		e.note("interrupted; %s goes on from here", e.typed("catalog rescan %s", lib.Name()))
		return ctx.Err()
	case err != nil:
		return err
	}
	out := scanResult{lib.Name().String(), lib.Dir(), r.Files, r.Bytes, r.Added, r.Changed, r.Removed, []leftOut{}, r.Elapsed.Seconds()}
	for _, k := range lib.Skipped() {
		if !k.Reason.Quiet() {
			out.LeftOut = append(out.LeftOut, leftOut{k.Path, string(k.Reason)})
			e.note("left out %s", k)
		}
	}
	return e.print(out, func() {
		e.say("catalog %s: %s in %s", e.out.bold(out.Catalog), totals(lib.Contents()), out.Directory)
		if r.Added != r.Files {
			e.say("  %d added, %d changed, %d removed", r.Added, r.Changed, r.Removed)
		}
		if next != "" {
			e.say("\nNext: %s", next)
		}
	})
}

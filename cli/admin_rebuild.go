package cli

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"github.com/urfave/cli/v2"

	"natster/deploy/world"
	"natster/events"
	"natster/functions/projection"
)

func adminRebuildCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "rebuild",
		Usage:     "make projections anew from the event log",
		ArgsUsage: "[PROJECTION...]",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Usage: "all of them, in one pass over the log"},
			&cli.BoolFlag{Name: "accept-loss", Usage: "rebuild from a log that has lost events, without them"},
			worldFlag(),
		},
		Description: `Everything natster knows is in the event log; projections are what makes it quick to ask. Meanwhile everybody goes on
reading the old ones. PROJECTION is accounts, catalogs, shares, logins or stats. A log that has lost events is refused: what
the old projections still know of them would be gone for good (see natster admin check).

   natster admin rebuild shares
   natster admin rebuild --all`,
		Action: args(0, -1, func(ctx context.Context, c *cli.Context, arg []string) error {
			switch {
			case len(arg) == 0 && !c.Bool("all"):
				return misused(c.Command, "name what to rebuild, or ask for everything with --all")
			case len(arg) > 0 && c.Bool("all"):
				return misused(c.Command, "--all is everything; no name goes with it")
			}
			names, which, err := chosenProjections(arg)
			if err != nil {
				return err
			}
			nc, _, err := e.administer(ctx, c.String("world"))
			if err != nil {
				return err
			}
			defer nc.Close()
			// A rebuild holds all documents at once and makes little garbage beside them: collecting seldom, as long as there
			// is room, is worth a tenth of its time, for a command that ends with it.
			defer debug.SetGCPercent(debug.SetGCPercent(400))
			defer debug.SetMemoryLimit(debug.SetMemoryLimit(2 << 30))
			bar := e.bar("rebuilding")
			var last projection.Progress
			began := time.Now()
			rebuild := world.Rebuild
			if c.Bool("accept-loss") {
				rebuild = world.RebuildDespiteLoss
			}
			err = rebuild(ctx, nc, func(p projection.Progress) {
				last = p
				bar.count(int64(p.Position)+int64(p.Written), int64(p.Last)+int64(p.Docs))
			}, which...)
			bar.clear()
			if errors.Is(err, projection.ErrSuperseded) {
				return hint(err, "admin rebuild --all")
			}
			if errors.Is(err, events.ErrLost) {
				return hint(err, "admin check")
			}
			if err != nil {
				return err
			}
			took := time.Since(began)
			return e.print(struct {
				Projections []string `json:"projections"`
				Events      uint64   `json:"events"`
				Documents   int      `json:"documents"`
				Seconds     float64  `json:"seconds"`
			}{names, last.Position, last.Written, took.Seconds()}, func() {
				e.say("rebuilt %s: %s of %s in %s", list(names), count(last.Written, "document"), count(int(last.Position), "event"), took.Round(time.Millisecond))
			})
		}),
	}
}

// chosenProjections are those with these names, or all.
func chosenProjections(arg []string) (names []string, which []world.NamedProjection, err error) {
	which = world.Projections()
	if len(arg) > 0 {
		all := which
		which = make([]world.NamedProjection, len(arg))
		for i, a := range arg {
			if which[i], err = pick(a, "no projection", all, func(p world.NamedProjection) string { return p.Name }, "admin rebuild --help"); err != nil {
				return nil, nil, err
			}
		}
	}
	for _, p := range which {
		names = append(names, p.Name)
	}
	return names, which, nil
}

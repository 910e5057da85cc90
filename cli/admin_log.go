package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/urfave/cli/v2"

	"natster/deploy/world"
	"natster/events"
	"natster/functions/projection"
	"natster/functions/view"
)

// A checkResult is what admin check --json says of the log.
type checkResult struct {
	Sound   bool        `json:"sound"`
	Last    uint64      `json:"last"`
	Events  uint64      `json:"events"`
	Missing uint64      `json:"missing"`
	Lost    []lostJSON  `json:"lost,omitempty"`
	Bad     []badJSON   `json:"malformed,omitempty"`
	Ahead   []aheadJSON `json:"ahead,omitempty"`
	Seconds float64     `json:"seconds"`
}

type lostJSON struct {
	From   uint64    `json:"from"`
	To     uint64    `json:"to"`
	After  time.Time `json:"after,omitzero"`  // when the event before them was logged
	Before time.Time `json:"before,omitzero"` // and the one after them
}

type badJSON struct {
	Position uint64    `json:"position"`
	Logged   time.Time `json:"logged"`
	Error    string    `json:"error"`
}

type aheadJSON struct {
	Projection string `json:"projection"`
	Position   uint64 `json:"position"`
}

func adminCheckCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:  "check",
		Usage: "read the whole event log and tell whether anything of it is lost",
		Flags: []cli.Flag{worldFlag()},
		Description: `Reads every event at every position, and compares the end of the log with the projections. It exits with 0 for a sound log
and 1 for a damaged one. Everybody may go on meanwhile. What is lost comes back with a backup, or not at all; then
natster admin rebuild --all --accept-loss goes on without it.`,
		Action: args(0, 0, func(ctx context.Context, c *cli.Context, _ []string) error {
			nc, _, err := e.administer(ctx, c.String("world"))
			if err != nil {
				return err
			}
			defer nc.Close()
			bar := e.bar("checking")
			began := time.Now()
			health, err := projection.Check(ctx, nc, func(at, last uint64) { bar.count(int64(at), int64(last)) }, view.Projections()...)
			bar.clear()
			if err != nil {
				return err
			}
			took := time.Since(began)
			if err := e.print(checkOf(health, took), func() { e.printHealth(health, took) }); err != nil {
				return err
			}
			if err := health.Err(); err != nil {
				return hint(fmt.Errorf("the log is damaged; bring back a backup that is whole, or go on without what is lost: %w", err), "admin rebuild --all --accept-loss")
			}
			return nil
		}),
	}
}

func checkOf(h projection.Health, took time.Duration) checkResult {
	r := checkResult{Sound: h.Sound(), Last: h.Last, Events: h.Events, Missing: h.Missing(), Seconds: took.Seconds()}
	for _, l := range h.Lost {
		r.Lost = append(r.Lost, lostJSON{l.From, l.To, l.After.UTC(), l.Before.UTC()})
	}
	for _, b := range h.Bad {
		r.Bad = append(r.Bad, badJSON{b.Position, b.Logged.UTC(), b.Why})
	}
	for _, a := range h.Ahead {
		r.Ahead = append(r.Ahead, aheadJSON{a.Bucket.Name, a.Position})
	}
	return r
}

func (e *env) printHealth(h projection.Health, took time.Duration) {
	if h.Sound() {
		e.say("the log is sound: %s, read in %s", count(int(h.Events), "event"), took.Round(time.Millisecond))
		return
	}
	when := func(t time.Time, nobody string) string {
		if t.IsZero() {
			return nobody
		}
		return t.UTC().Format(time.RFC3339)
	}
	for _, l := range h.Lost {
		e.say("lost       positions %d to %d: %s, logged between %s and %s", l.From, l.To, count(int(l.To-l.From+1), "event"),
			when(l.After, "the beginning"), when(l.Before, "now"))
	}
	for _, b := range h.Bad {
		e.say("no event   position %d, logged %s: %s", b.Position, when(b.Logged, "some time"), oneLine(b.Why))
	}
	for _, a := range h.Ahead {
		e.say("cut short  the log ends at position %d, projection %s has seen position %d", h.Last, a.Bucket.Name, a.Position)
	}
	e.say("left       %s of %s", count(int(h.Events), "event"), count(int(h.Events+h.Missing()), "position"))
}

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

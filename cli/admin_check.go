package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

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

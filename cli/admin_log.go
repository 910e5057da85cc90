package cli

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/urfave/cli/v2"

	"natster/cli/hint"
	"natster/cli/term"
	"natster/deploy/world"
	"natster/events"
	"natster/functions/projection"
	"natster/functions/view"
)

// A checkResult is what admin check found in the log.
type checkResult struct {
	Sound   bool           `json:"sound"`
	Last    uint64         `json:"last"`
	Events  uint64         `json:"events"`
	Missing uint64         `json:"missing"`
	Bytes   int64          `json:"bytes"` // that the log has in JetStream
	Most    int64          `json:"most"`  // bytes, from which on the operator is warned: the limit log_bytes
	Lost    []lostRow      `json:"lost,omitempty"`
	Bad     []malformedRow `json:"malformed,omitempty"`
	Ahead   []aheadRow     `json:"ahead,omitempty"`
	Seconds float64        `json:"seconds"`
}

type lostRow struct {
	From   uint64    `json:"from"`
	To     uint64    `json:"to"`
	After  time.Time `json:"after,omitzero"`  // when the event before the gap was logged
	Before time.Time `json:"before,omitzero"` // when the event after it was logged
}

type malformedRow struct {
	Position uint64    `json:"position"`
	Logged   time.Time `json:"logged"`
	Error    string    `json:"error"`
}

type aheadRow struct {
	Projection string `json:"projection"`
	Position   uint64 `json:"position"`
}

func (e *env) checkLog(ctx context.Context, c *cli.Context, _ []string) error {
	dir, err := e.adminDir(c.String("world"))
	if err != nil {
		return err
	}
	limits, err := world.ReadLimits(dir)
	if err != nil {
		return err
	}
	nc, _, err := e.administer(ctx, c.String("world"))
	if err != nil {
		return err
	}
	defer nc.Close()
	bar := e.Bar("checking")
	began := time.Now()
	progress := func(at, last uint64) { bar.Count(int64(at), int64(last)) }
	health, err := projection.Check(ctx, nc, progress, view.Projections()...)
	bar.Clear()
	if err != nil {
		return err
	}
	took := time.Since(began)
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	log, err := js.Stream(ctx, events.LogStream)
	if err != nil {
		return fmt.Errorf("the event log: %w", err)
	}
	r := newCheckResult(health, int64(log.CachedInfo().State.Bytes), took)
	r.Most = limits.OrDefault().LogBytes
	err = e.Print(r, func() {
		e.printHealth(health, took)
		if r.Bytes > r.Most {
			e.Say("size       %s: more than %s, the limit log_bytes (natster admin limits); nothing is refused",
				term.Bytes(r.Bytes), term.Bytes(r.Most))
		} else {
			e.Say("size       %s; above %s natster devrun warns", term.Bytes(r.Bytes), term.Bytes(r.Most))
		}
	})
	if err != nil {
		return err
	}
	if err := health.Err(); err != nil {
		const text = "the log is damaged; bring back a backup that is whole, or go on without what is lost: %w"
		return hint.Add(fmt.Errorf(text, err), "admin rebuild --all --accept-loss")
	}
	return nil
}

func newCheckResult(h projection.Health, bytes int64, took time.Duration) checkResult {
	r := checkResult{Sound: h.Sound(), Last: h.Last, Events: h.Events, Missing: h.Missing(), Bytes: bytes,
		Seconds: took.Seconds()}
	for _, l := range h.Lost {
		r.Lost = append(r.Lost, lostRow{l.From, l.To, l.After.UTC(), l.Before.UTC()})
	}
	for _, b := range h.Bad {
		r.Bad = append(r.Bad, malformedRow{b.Position, b.Logged.UTC(), b.Why})
	}
	for _, a := range h.Ahead {
		r.Ahead = append(r.Ahead, aheadRow{a.Bucket.Name, a.Position})
	}
	return r
}

func (e *env) printHealth(h projection.Health, took time.Duration) {
	if h.Sound() {
		e.Say("the log is sound: %s, read in %s", term.Count(int(h.Events), "event"), took.Round(time.Millisecond))
		return
	}
	when := func(t time.Time, unknown string) string {
		if t.IsZero() {
			return unknown
		}
		return t.UTC().Format(time.RFC3339)
	}
	for _, l := range h.Lost {
		e.Say("lost       positions %d to %d: %s, logged between %s and %s",
			l.From, l.To, term.Count(int(l.To-l.From+1), "event"),
			when(l.After, "the beginning"), when(l.Before, "now"))
	}
	for _, b := range h.Bad {
		e.Say("no event   position %d, logged %s: %s", b.Position, when(b.Logged, "some time"), term.OneLine(b.Why))
	}
	for _, a := range h.Ahead {
		e.Say("cut short  the log ends at position %d, projection %s has seen position %d", h.Last, a.Bucket.Name,
			a.Position)
	}
	e.Say("left       %s of %s", term.Count(int(h.Events), "event"), term.Count(int(h.Events+h.Missing()), "position"))
}

func (e *env) rebuild(ctx context.Context, c *cli.Context, arg []string) error {
	switch {
	case len(arg) == 0 && !c.Bool("all"):
		return misused(c.Command, "name what to rebuild, or ask for everything with --all")
	case len(arg) > 0 && c.Bool("all"):
		return misused(c.Command, "--all is everything; no name goes with it")
	}
	which, err := chosenProjections(arg)
	if err != nil {
		return err
	}
	nc, _, err := e.administer(ctx, c.String("world"))
	if err != nil {
		return err
	}
	defer nc.Close()
	// A rebuild holds all documents at once and makes little other garbage. Collecting seldom, as long as there
	// is memory, saves a tenth of its time, and the command ends with it.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(2 << 30))
	bar := e.Bar("rebuilding")
	var last projection.Progress
	began := time.Now()
	err = world.Rebuild(ctx, nc, c.Bool("accept-loss"), func(p projection.Progress) {
		last = p
		bar.Count(int64(p.Position)+int64(p.Written), int64(p.Last)+int64(p.Docs))
	}, which...)
	bar.Clear()
	if err != nil {
		return err
	}
	took, names := time.Since(began), hint.Names(which, projectionName)
	return e.Print(struct {
		Projections []string `json:"projections"`
		Events      uint64   `json:"events"`
		Documents   int      `json:"documents"`
		Seconds     float64  `json:"seconds"`
	}{names, last.Position, last.Written, took.Seconds()}, func() {
		e.Say("rebuilt %s: %s of %s in %s", term.List(names), term.Count(last.Written, "document"),
			term.Count(int(last.Position), "event"), took.Round(time.Millisecond))
	})
}

// chosenProjections returns the projections with these names, each once, or all.
func chosenProjections(names []string) (which []world.NamedProjection, err error) {
	all := world.Projections()
	if len(names) == 0 {
		return all, nil
	}
	for _, name := range names {
		p, err := hint.Pick(name, "no projection", all, projectionName, "admin rebuild --help")
		if err != nil {
			return nil, err
		}
		if !slices.Contains(hint.Names(which, projectionName), name) {
			which = append(which, p)
		}
	}
	return which, nil
}

func projectionName(p world.NamedProjection) string { return p.Name }

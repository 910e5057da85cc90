package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/rivo/uniseg"

	"natster/cli/term"
	"natster/events"
	"natster/workloads/catalog/server"
)

func TestTheBoardShowsWhoReadsWhatAtAnyWidthAndTellsItWhenItIsOver(t *testing.T) {
	var w bytes.Buffer
	now := time.Unix(0, 0)
	films, err := events.ParseCatalog("films")
	if err != nil {
		t.Fatal(err)
	}
	columns := 90
	b := &board{
		w: &w, style: term.Style{Terminal: true}, size: func() (int, int) { return columns, 24 },
		now: func() time.Time { return now },
		who: func(events.Account) string { return "you" }, visits: make(map[visitor]*visit), began: now,
		path: func(events.Catalog, events.Hash) string {
			return "2024/a long name that goes on/日本の長い休暇.mp4"
		},
	}
	b.tick()
	if !strings.Contains(w.String(), "connected  nobody reads now") {
		t.Errorf("at first: %q", w.String())
	}
	hash := events.Hash{1}
	b.observe(server.Activity{Catalog: films, Verb: events.VerbDownload, Hash: hash, Size: 10_000_000})
	for range 4 {
		b.observe(server.Activity{Catalog: films, Verb: events.VerbFetch, Hash: hash, Size: 1_000_000})
		now = now.Add(boardTick)
		b.tick()
	}
	for _, part := range []string{"MB/s to 1 reader", "4.0 MB sent", "you  films  ", ".mp4"} {
		if !strings.Contains(w.String(), part) {
			t.Errorf("no %q in %q", part, w.String())
		}
	}
	for columns = range 120 {
		for _, l := range b.lines(columns, 24) {
			if n := uniseg.StringWidth(l); n > max(columns, 1) {
				t.Errorf("%d columns of %d: %q", n, columns, l)
			}
		}
	}
	columns = 90
	b.connected(false)
	b.tick()
	if !strings.Contains(w.String(), "not connected, trying again") {
		t.Error("a lost connection is not shown")
	}
	now = now.Add(atRest + time.Second)
	over := b.tick()
	if len(over) != 1 ||
		!strings.HasPrefix(over[0], "you read 2024/") || !strings.HasSuffix(over[0], "of films, 4.0 MB") {
		t.Errorf("it tells %q", over)
	}
}

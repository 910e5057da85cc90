package stats

import (
	"testing"
	"time"

	"natster/events"
	"natster/functions"
	"natster/functions/view"
	"natster/internal/test/logtest"
)

var (
	alice, bob = logtest.Account(1), logtest.Account(2)
	films      = logtest.Catalog("films")
)

func TestTotals(t *testing.T) {
	initialized := events.WithData(events.Event{Type: events.Initialized, Origin: alice},
		events.InitializedData{AccountKey: alice})
	shared := events.Event{Type: events.Shared, Origin: alice, Target: bob, Catalog: films}
	unshared := events.Event{Type: events.Unshared, Origin: alice, Target: bob, Catalog: films}
	imported := events.Event{Type: events.Imported, Origin: bob, Target: alice, Catalog: films}
	doc := func(s string) map[string]string { return map[string]string{view.TotalsKey: s} }
	logtest.Rows(t, Projection(), []logtest.Row{
		{When: "nothing happened"},
		{When: "an account initializes", Events: []events.Event{initialized},
			Then: doc(`{"position":1,"doc":{"accounts":1,"shares":0}}`)},
		{When: "it shares", Events: []events.Event{initialized, shared},
			Then: doc(`{"position":2,"doc":{"accounts":1,"shares":1}}`)},
		{When: "the share is imported", Events: []events.Event{initialized, shared, imported},
			Then: doc(`{"position":2,"doc":{"accounts":1,"shares":1}}`)},
		{When: "the share is taken back", Events: []events.Event{shared, unshared},
			Then: doc(`{"position":2,"doc":{"accounts":0,"shares":0}}`)},
	})
}

func TestCount(t *testing.T) {
	put := func(at int64) functions.Change { return functions.Change{Time: time.Unix(0, at)} }
	gone := func(at int64) functions.Change { return functions.Change{Gone: true, Time: time.Unix(0, at)} }
	for _, row := range []struct {
		when    string
		changes []functions.Change
		total   int64
		written int
	}{
		{"nothing happened", nil, 0, 0},
		{"a heartbeat", []functions.Change{put(1)}, 1, 1},
		{"many heartbeats", []functions.Change{put(1), put(2), put(3)}, 1, 1},
		{"a heartbeat delivered twice", []functions.Change{put(1), put(1)}, 1, 1},
		{"heartbeats stop", []functions.Change{put(1), gone(2)}, 0, 2},
		{"the end delivered twice", []functions.Change{put(1), gone(2), gone(2)}, 0, 2},
		{"the end alone, the function was down", []functions.Change{gone(2)}, 0, 0},
		{"it comes back", []functions.Change{put(1), gone(2), put(3)}, 1, 3},
		{"a heartbeat handled late, after the end", []functions.Change{put(1), gone(2), put(1)}, 0, 2},
		{"an end handled late, after it came back", []functions.Change{put(1), gone(2), put(3), gone(2)}, 1, 3},
	} {
		t.Run(row.when, func(t *testing.T) {
			var c count
			written := 0
			for _, change := range row.changes {
				after, news := c.after(change)
				if news {
					written++
				}
				c = after
			}
			if c.total != row.total || written != row.written {
				t.Errorf("total %d after %d writes, want %d after %d", c.total, written, row.total, row.written)
			}
		})
	}
}

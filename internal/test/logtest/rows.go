package logtest

import (
	"maps"
	"strconv"
	"testing"

	"natster/events"
)

// A Row is a story of a table test of a projection: after these events, at positions 1 and so on, each at [Begin],
// there are these documents, encoded, and no others.
type Row struct {
	When   string
	Events []events.Event
	Then   map[string]string
}

// Rows tests the rows, and that every one of them ends the same when each event comes twice.
func Rows(t *testing.T, p interface {
	Fold(...events.Envelope) (map[string]string, error)
}, rows []Row) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.When, func(t *testing.T) {
			var once, twice []events.Envelope
			for i, e := range row.Events {
				e.ID, e.Time = "e"+strconv.Itoa(i), Begin
				env := events.Envelope{Event: e, Position: uint64(i + 1)}
				once, twice = append(once, env), append(twice, env, env)
			}
			for name, evs := range map[string][]events.Envelope{"once": once, "twice": twice} {
				got, err := p.Fold(evs...)
				if err != nil {
					t.Fatal(err)
				}
				if !maps.Equal(got, row.Then) {
					t.Errorf("%s: got\n%v\nwant\n%v", name, got, row.Then)
				}
			}
		})
	}
}

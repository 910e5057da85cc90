package embedded_test

import (
	"strings"
	"testing"
	"time"

	"natster/deploy/world"
	"natster/events"
	"natster/functions"
	"natster/internal/test/logtest"
	"natster/internal/test/wait"
	"natster/internal/test/worldtest"
)

func TestTheOperatorIsToldOfALargeLogOnceForEachStart(t *testing.T) {
	var told notices
	w := worldtest.Start(t, told.option, func(c *worldtest.Config) {
		if err := world.WriteLimits(c.Dir, functions.Limits{LogBytes: 1 << 20}); err != nil {
			t.Fatal(err)
		}
	})
	large := func() int { return strings.Count(told.text(), "the event log has ") }
	if large() != 0 {
		t.Fatalf("a new world: %s", told.text())
	}
	js := jetStream(t, connected(t, w.Admin))
	e := events.WithData(events.Event{
		ID: "large", Type: "from_the_future", Origin: logtest.Account(1), Time: time.Now().UTC(),
	}, strings.Repeat("x", 60_000))
	for range 20 {
		m, err := events.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		e.ID += "r"
	}
	wait.Eventually(t, "a word on the log", func() bool { return large() == 1 })
	if said := told.text(); !strings.Contains(said, "more than 1.0 MB, the limit log_bytes") ||
		!strings.Contains(said, "natster admin limits log_bytes=N") {
		t.Errorf("the operator was told %q", said)
	}
	w.Restart(t)
	wait.Eventually(t, "a word after the next start", func() bool { return large() == 2 })
	w.Restart(t) // a crossing that is told twice would show until here
	wait.Eventually(t, "a word after another start", func() bool { return large() == 3 })
}

package nex_test

import (
	"slices"
	"strings"
	"testing"

	"natster/deploy/nex"
	"natster/internal/test/nexlettest"
	"natster/internal/test/nextest"
)

func TestTheLastLinesAreRemembered(t *testing.T) {
	s := nexlettest.Start(t, echoing)
	s.Node(nextest.Config{})
	c := s.Client("")
	if _, err := c.Up(t.Context(), wants(), nex.Options{}); err != nil {
		t.Fatal(err)
	}
	lines, err := c.Recent(t.Context(), "prober")
	if err != nil || len(lines) == 0 {
		t.Fatalf("%v, %v", lines, err)
	}
	for _, l := range lines {
		if l.Name != "prober" || l.Stream != "stdout" || !strings.Contains(l.Text, "workload=prober") {
			t.Errorf("%+v", l)
		}
	}
	all, err := c.Recent(t.Context())
	if err != nil || len(all) <= len(lines) {
		t.Errorf("of all: %v, %v", all, err)
	}
	if list, err := c.List(t.Context()); err != nil || list[0].Metadata["log"] != "" {
		t.Errorf("logs in a list that nobody asked for them: %v, %v", list, err)
	}
}

func TestWhatNexletsOffer(t *testing.T) {
	s := nexlettest.Start(t, echoing)
	c := s.Client("")
	if _, err := c.Offered(t.Context(), nil); err == nil {
		t.Error("nobody offers anything")
	}
	s.Node(nextest.Config{})
	if names, err := c.Offered(t.Context(), nil); err != nil || !slices.Equal(names, []string{"prober", "other"}) {
		t.Errorf("%v, %v", names, err)
	}
}

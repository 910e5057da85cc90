package server

import (
	"slices"
	"strings"
	"testing"

	"natster/internal/test/eventstest"
	"natster/workloads/catalog"
)

func TestAPageIsMadeOnceForEachEdition(t *testing.T) {
	films := eventstest.Catalog(t, "films")
	c := catalog.Contents{Name: films, Revision: 1, Entries: []catalog.Entry{{Path: "a.mp4"}, {Path: "b.mp4"}}}
	var p pages
	made := 0
	get := func(from int) {
		t.Helper()
		body, err := p.get(pageKey{catalog: films, from: from}, c, func() (any, error) {
			made++
			return catalog.GetReply{Description: c.Description, Revision: c.Revision}, nil
		})
		if err != nil || !strings.Contains(string(body), c.Description) {
			t.Fatalf("%s, %v", body, err)
		}
	}
	step := func(what string, want int) {
		t.Helper()
		get(0)
		get(0)
		if made != want {
			t.Errorf("%s: made %d times, want %d", what, made, want)
		}
	}
	step("at first", 1)
	get(1)
	step("after another page", 2)
	c.Revision++
	step("another revision", 3)
	c.Description = "old films"
	step("another description", 4)
	c.Entries = slices.Clone(c.Entries)
	step("other entries", 5)
	c.Entries = nil
	step("none", 6)
}

func TestWhatIsKeptOfListingsIsBounded(t *testing.T) {
	films := eventstest.Catalog(t, "films")
	c := catalog.Contents{Name: films, Entries: []catalog.Entry{{Path: "a.mp4"}}}
	var p pages
	large := catalog.GetReply{Description: strings.Repeat("x", 1<<20)}
	for from := range 100 {
		body, err := p.get(pageKey{catalog: films, from: from % 30}, c, func() (any, error) { return large, nil })
		if err != nil {
			t.Fatal(err)
		}
		all := 0
		for _, kept := range p.of {
			all += len(kept.body)
		}
		if all != p.bytes || all > maxPages || len(body) < 1<<20 {
			t.Fatalf("%d bytes are kept, %d are counted", all, p.bytes)
		}
	}
}

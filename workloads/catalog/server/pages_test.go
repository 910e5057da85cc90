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
		for at := p.order.Front(); at != nil; at = at.Next() {
			all += len(at.Value.(*page).body)
		}
		if all != p.bytes || len(p.of) != p.order.Len() || all > maxPages || len(body) < 1<<20 {
			t.Fatalf("%d bytes are kept, %d are counted", all, p.bytes)
		}
	}
}

// A page that is asked for again and again is kept, however many others are asked for once.
func TestOfTheListingsThatAreKeptTheOneNotAskedForLongestGoes(t *testing.T) {
	films := eventstest.Catalog(t, "films")
	c := catalog.Contents{Name: films, Entries: []catalog.Entry{{Path: "a.mp4"}}}
	var p pages
	large := catalog.GetReply{Description: strings.Repeat("x", 1<<20)}
	made := make(map[int]int)
	get := func(from int) {
		t.Helper()
		_, err := p.get(pageKey{catalog: films, from: from}, c, func() (any, error) { made[from]++; return large, nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	for from := 1; from < 100; from++ {
		get(0)
		get(from)
		get(from)
	}
	for from, n := range made {
		if n != 1 {
			t.Errorf("page %d is made %d times", from, n)
		}
	}
	if len(p.of) < 7 {
		t.Errorf("%d pages are left, though 7 have room", len(p.of))
	}
}

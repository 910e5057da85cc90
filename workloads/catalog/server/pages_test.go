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
		if all != p.bytes || len(p.of[films].pages) != p.order.Len() || all > maxPages || len(body) < 1<<20 {
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
	if len(p.of[films].pages) < 7 {
		t.Errorf("%d pages are left, though 7 have room", len(p.of[films].pages))
	}
}

// Whatever is kept of a catalog is of one edition, and nothing is kept of a catalog without pages.
func TestNothingOfAnOlderListingIsKept(t *testing.T) {
	var p pages
	entries := []catalog.Entry{{Path: "a.mp4"}}
	get := func(name string, revision int64, from, size int) {
		t.Helper()
		k := pageKey{catalog: eventstest.Catalog(t, name), from: from}
		c := catalog.Contents{Name: k.catalog, Revision: revision, Entries: entries}
		_, err := p.get(k, c, func() (any, error) { return strings.Repeat("x", size), nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	expect := func(want int) {
		t.Helper()
		all := 0
		for _, of := range p.of {
			all += len(of.pages)
			for _, at := range of.pages {
				if at.Value.(*page).edition != of.edition {
					t.Errorf("%+v is kept beside %+v", at.Value.(*page).edition, of.edition)
				}
			}
			if len(of.pages) == 0 {
				t.Error("a catalog is kept without pages")
			}
		}
		if all != want || p.order.Len() != want {
			t.Errorf("%d pages are kept, %d in order; want %d", all, p.order.Len(), want)
		}
	}
	for from := range 3 {
		get("films", 1, from, 10)
		get("music", 1, from, 10)
	}
	expect(6)
	get("films", 2, 0, 10)
	expect(4)
	get("films", 1, 1, 10) // made of what was listed before, and done after the next
	expect(4)
	get("books", 1, 0, maxPages)
	expect(1)
}

package library

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"

	"natster/events"
	"natster/workloads/catalog"
)

// A snapshot is the library at one moment. It never changes: a change makes a new one, so readers need no lock.
type snapshot struct {
	name        events.Catalog
	description string
	image       string
	revision    int64

	entries []catalog.Entry // sorted by path
	marks   []mark          // one for each entry
	disks   map[string]disk // of each part of the directory, the disk that its files are on
	sight

	changed chan struct{}  // closed when another snapshot has taken this one's place
	byHash  func() []int32 // indices of entries, sorted by hash then path; made when first needed
}

// A sight is what the last look saw beside the files.
type sight struct {
	seen    map[string]disk // of each part, the disk that was there
	away    []Away          // sorted by path
	skipped []Skipped       // sorted by path
}

func (s sight) equal(t sight) bool {
	return maps.Equal(s.seen, t.seen) && slices.Equal(s.away, t.away) && slices.Equal(s.skipped, t.skipped)
}

type mark struct {
	stamp stamp
	link  bool
}

func newSnapshot(d document, seen sight) *snapshot {
	s := &snapshot{
		name: d.name, description: d.description, image: d.image, revision: d.revision, disks: d.disks, sight: seen,
		entries: make([]catalog.Entry, len(d.records)), marks: make([]mark, len(d.records)),
		changed: make(chan struct{}),
	}
	for i := range d.records {
		s.entries[i] = d.records[i].Entry
		s.marks[i] = mark{d.records[i].stamp, d.records[i].link}
	}
	s.byHash = sync.OnceValue(s.sortByHash)
	return s
}

func (s *snapshot) record(i int) record {
	return record{s.entries[i], s.marks[i].stamp, s.marks[i].link}
}

// document is the snapshot as the next one starts from: without its entries.
func (s *snapshot) document() document {
	return document{name: s.name, description: s.description, image: s.image, revision: s.revision, disks: s.disks}
}

// full is the snapshot as a document that may be changed.
func (s *snapshot) full() document {
	d := s.document()
	d.records = make([]record, len(s.entries))
	for i := range d.records {
		d.records[i] = s.record(i)
	}
	return d
}

func (s *snapshot) contents() catalog.Contents {
	return catalog.Contents{
		Name: s.name, Description: s.description, Image: s.image, Revision: s.revision,
		Entries: slices.Clip(s.entries),
	}
}

func (s *snapshot) sortByHash() []int32 {
	idx := make([]int32, len(s.entries))
	for i := range idx {
		idx[i] = int32(i)
	}
	slices.SortFunc(idx, func(a, b int32) int {
		return cmp.Or(bytes.Compare(s.entries[a].Hash[:], s.entries[b].Hash[:]), cmp.Compare(a, b))
	})
	return idx
}

// withHash returns the indices of the entries with content h.
func (s *snapshot) withHash(h events.Hash) []int32 {
	idx := s.byHash()
	from, _ := slices.BinarySearchFunc(idx, h, func(i int32, h events.Hash) int {
		return bytes.Compare(s.entries[i].Hash[:], h[:])
	})
	to := from
	for to < len(idx) && s.entries[idx[to]].Hash == h {
		to++
	}
	return idx[from:to]
}

// at returns the index of the entry at path, or where it would stand.
func (s *snapshot) at(path string) (int, bool) {
	byPath := func(e catalog.Entry, p string) int { return strings.Compare(e.Path, p) }
	return slices.BinarySearchFunc(s.entries, path, byPath)
}

// below returns where the entries at path, or below it if it is a directory, stand.
func (s *snapshot) below(path string) (from, end int) {
	if path == "." {
		return 0, len(s.entries)
	}
	if i, ok := s.at(path); ok {
		return i, i + 1
	}
	from, _ = s.at(path + "/")
	end, _ = s.at(path + "0") // '0' follows '/'
	return from, end
}

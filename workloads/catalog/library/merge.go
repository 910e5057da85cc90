package library

import (
	"path"
	"time"

	"natster/events"
	"natster/workloads/catalog"
)

// A merge turns a snapshot and what a walk found into the next snapshot. It is pure: compare says what must be read, a
// hasher reads it, result puts everything together.
type merge struct {
	prev     *snapshot
	in       []bool    // for each entry of prev: the walk was to find it, so its absence means that it is gone
	departed *departed // files that went before, in case they come back

	toRead  []hashed // files whose content is not known, sorted by path
	young   []Skipped
	known   []record // files in scope whose content is known, sorted by path
	stays   []bool   // for each entry of prev: its path is still there
	report  Report   // Added, Renamed, Changed, Removed, Hashed…
	differs difference

	byPath map[string]string // descriptions, made when first needed
	byHash map[events.Hash]string
}

// compare decides for each file, sorted by path, whether it must be read.
func (m *merge) compare(files []found, young time.Duration, now time.Time) {
	m.stays = make([]bool, len(m.in))
	m.known = make([]record, 0, len(files))
	var fresh []found
	at := 0
	for _, f := range files {
		for at < len(m.prev.entries) && m.prev.entries[at].Path < f.path {
			at++
		}
		if at < len(m.prev.entries) && m.prev.entries[at].Path == f.path {
			m.stays[at] = true
			if m.prev.marks[at].stamp.is(f.stamp) {
				r := record{m.prev.entries[at], f.stamp, f.link}
				r.Modified = f.stamp.seconds()
				m.known = append(m.known, r)
				continue
			}
		}
		fresh = append(fresh, f)
	}
	if len(fresh) > 0 {
		m.compareFresh(fresh, young, now)
	}
}

// compareFresh looks for fresh files among those that are gone: the same inode, size and times is the same file, in a
// directory that was renamed. The name of the file itself does not change without its ctime: who did that may have
// changed more, and an inode is soon another file's.
func (m *merge) compareFresh(fresh []found, young time.Duration, now time.Time) {
	gone := make(map[stamp]record)
	for _, r := range m.departed.records {
		gone[r.stamp] = r
	}
	for i := range m.in {
		if m.in[i] && !m.stays[i] {
			gone[m.prev.marks[i].stamp] = m.prev.record(i)
		}
	}
	renamed := len(m.known)
	for _, f := range fresh {
		r, ok := gone[f.stamp]
		switch {
		case ok && f.stamp.ctime != 0 && path.Ext(r.Path) == path.Ext(f.path): // else its type may be another
			delete(gone, f.stamp)
			r.Path, r.link = f.path, f.link
			m.known = append(m.known, r)
			m.report.Renamed++
		case untilOlder(f.stamp.mtime, now, young) > 0 && !m.listedLike(f):
			m.young = append(m.young, Skipped{Path: f.path, Reason: Writing})
		default:
			m.toRead = append(m.toRead, hashed{found: f})
		}
	}
	if len(m.known) > renamed {
		sortRecords(m.known)
	}
}

// listedLike reports whether f is probably what is listed at its path: nothing that is still being written.
func (m *merge) listedLike(f found) bool {
	at, ok := m.prev.at(f.path)
	return ok && m.prev.marks[at].stamp.like(f.stamp)
}

func (m *merge) bytes() (n int64) {
	for i := range m.toRead {
		n += m.toRead[i].stamp.size
	}
	return n
}

// result is the next document, and what was left out beside what the walk left out.
func (m *merge) result() (document, []Skipped) {
	skipped := m.young
	var fresh []record
	for i := range m.toRead {
		f := &m.toRead[i]
		switch f.state {
		case read:
			r := record{stamp: f.stamp, link: f.link}
			r.Path, r.MIMEType, r.Size, r.Hash, r.Modified = f.path, f.mime, f.stamp.size, f.hash, f.stamp.seconds()
			fresh = append(fresh, r)
			m.report.Hashed++
			m.report.HashedBytes += f.stamp.size
		case unread: // its entry stays, if it had one; OpenFile then finds that it has changed
			if at, ok := m.prev.at(f.path); ok {
				fresh = append(fresh, m.prev.record(at))
			}
		case refused:
			skipped = append(skipped, Skipped{f.path, f.reason, f.detail})
			if at, ok := m.prev.at(f.path); ok && f.reason == Unreadable { // the same, as far as one can know
				fresh = append(fresh, m.prev.record(at))
			}
		}
	}
	doc := m.prev.document()
	doc.records = m.join(fresh)
	var more []Skipped
	doc.records, more = tooMany(doc.records)
	m.account(doc.records)
	return doc, append(skipped, more...)
}

// join puts together the entries outside the scope, the known and the fresh.
func (m *merge) join(fresh []record) []record {
	found := m.known
	if len(fresh) > 0 {
		found = append(found, fresh...)
		sortRecords(found)
	}
	all := make([]record, 0, len(found)+len(m.in))
	for i := range m.in {
		if m.in[i] {
			continue
		}
		for len(found) > 0 && found[0].Path < m.prev.entries[i].Path {
			all, found = append(all, found[0]), found[1:]
		}
		all = append(all, m.prev.record(i))
	}
	return append(all, found...)
}

// account compares the next records with prev: it counts, lets descriptions follow their files, and remembers who left.
func (m *merge) account(next []record) {
	var left []record
	at := 0
	for i := range next {
		for at < len(m.prev.entries) && m.prev.entries[at].Path < next[i].Path {
			left = append(left, m.prev.record(at))
			at++
		}
		r := &next[i]
		if at == len(m.prev.entries) || m.prev.entries[at].Path != r.Path {
			m.report.Added++
			m.differs = listed
			if r.Description == "" {
				r.Description = m.describe(r.Path, r.Hash)
			}
			continue
		}
		was := &m.prev.entries[at]
		if r.Hash != was.Hash {
			m.report.Changed++
		}
		r.Description = was.Description
		switch {
		case r.Entry != *was:
			m.differs = listed
		case r.stamp != m.prev.marks[at].stamp || r.link != m.prev.marks[at].link:
			m.differs = max(m.differs, inside)
		}
		at++
	}
	for ; at < len(m.prev.entries); at++ {
		left = append(left, m.prev.record(at))
	}
	m.report.Removed = len(left)
	if len(left) > 0 {
		m.differs = listed
	}
	m.departed.add(left)
}

// describe returns the description that the path had before it left for a while, or else the one last known for the
// content: a file that moves takes it along, and so does a copy.
func (m *merge) describe(path string, h events.Hash) string {
	if m.byPath == nil {
		m.byPath, m.byHash = make(map[string]string), make(map[events.Hash]string)
		note := func(e *catalog.Entry) {
			if e.Description != "" {
				m.byPath[e.Path] = e.Description
				m.byHash[e.Hash] = e.Description
			}
		}
		for i := range m.departed.records {
			note(&m.departed.records[i].Entry)
		}
		for i := range m.prev.entries {
			note(&m.prev.entries[i])
		}
	}
	if d, ok := m.byPath[path]; ok {
		return d
	}
	return m.byHash[h]
}

// departed remembers the files that left lately: a move can show as a departure now and an arrival later.
type departed struct{ records []record }

const mostDeparted = 1 << 16

func (d *departed) add(left []record) {
	if len(d.records)+len(left) > mostDeparted {
		d.records = nil
	}
	d.records = append(d.records, left[:min(len(left), 4*mostDeparted)]...)
}

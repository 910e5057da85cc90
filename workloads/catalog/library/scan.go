package library

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"natster/workloads/catalog"
)

// A Report says what a scan found and did.
type Report struct {
	Files   int   // in the catalog now
	Bytes   int64 // of them
	Added   int   // of Files, those that were not there before; Renamed are among them
	Renamed int   // known content under a new name, which was not read again
	Changed int   // the same path with other content
	Removed int
	Away    int // of Files, those that cannot be had now; see [Library.Away]

	Hashed      int   // files read,
	HashedBytes int64 // and how much that was

	Skipped int // what was left out for a reason that is not quiet
	Elapsed time.Duration
}

// Scan looks through the directory, reads what is new or changed, and writes the catalog file. When ctx is done it
// returns ctx's error, but keeps what it has read by then: the next scan continues there. What is away stays listed; if
// that is the directory itself the error wraps [catalog.ErrAway].
func (l *Library) Scan(ctx context.Context) (Report, error) {
	r, _, err := l.update(ctx, look{scope: []string{"."}})
	return r, err
}

// ScanAccepting is Scan for an owner who knows that what is not there is gone for good: nothing is away.
func (l *Library) ScanAccepting(ctx context.Context) (Report, error) {
	r, _, err := l.update(ctx, look{scope: []string{"."}, accept: true})
	return r, err
}

// A look is one pass over some or all of the directory.
type look struct {
	scope  []string         // paths, each with all below it; sorted, none below another; "." is all
	young  time.Duration    // leave out new files younger than this, as [Writing]
	onDir  func(dir string) // see walker
	accept bool             // what is not there is gone, not away
}

func (k look) all() bool { return len(k.scope) == 1 && k.scope[0] == "." }

// update takes a look and publishes what it found. It also returns the paths to look at again when they are quiet.
func (l *Library) update(ctx context.Context, k look) (Report, []string, error) {
	l.work.Lock()
	defer l.work.Unlock()
	began := time.Now()
	prev, editErr := l.adoptEdits()
	if l.accepted { // what stands in the place of what is gone was not listed, and no event reports it
		k.scope, l.accepted = []string{"."}, false
	}
	if len(k.scope) == 0 {
		if editErr == nil {
			editErr = l.save(prev)
		}
		return Report{}, nil, editErr
	}
	v, err := l.survey(ctx, k, prev)
	if err != nil {
		return Report{}, nil, errors.Join(err, editErr)
	}
	defer v.close()
	m := merge{prev: prev, in: covered(prev, v.scope), departed: &l.departed}
	v.leaveAway(&m)
	m.compare(v.found, k.young, time.Now())
	meter := newMeter(l.cfg.Progress, len(m.toRead), m.bytes())
	h := hasher{root: v.root, meter: meter, log: l.cfg.Logger, hooks: l.cfg.hooks}
	h.all(ctx, m.toRead)
	meter.done()
	doc, more := m.result()
	if !maps.Equal(doc.disks, v.disks) {
		doc.disks, m.differs = v.disks, max(m.differs, inside)
	}

	skipped := append(v.skipped, more...)
	var again []string
	for _, s := range skipped {
		if s.Reason == Writing {
			again = append(again, s.Path)
		}
	}
	saw := sight{seen: v.seen, away: v.away, skipped: mergeSkipped(prev.skipped, v.scope, skipped)}
	r := m.report
	for i := range doc.records {
		r.Bytes += doc.records[i].Size
	}
	for _, s := range saw.skipped {
		if !s.Reason.Quiet() {
			r.Skipped++
		}
	}
	r.Files = len(doc.records)
	for _, a := range v.away {
		r.Away += a.Files
		if a.Path == "." {
			err = fmt.Errorf("library: catalog %q: %w: %s: %s", l.Name(), catalog.ErrAway, l.dir, a)
		}
	}
	if editErr != nil { // to write would be to destroy what the owner wrote
		l.show(l.next(doc, saw, m.differs))
	} else {
		editErr = l.publish(doc, saw, m.differs)
	}
	r.Elapsed = time.Since(began)
	return r, again, errors.Join(ctx.Err(), err, editErr)
}

// withLinks adds the symbolic links to scope: the file that changed may be the target of one.
func withLinks(scope []string, s *snapshot) []string {
	for i := range s.marks {
		if s.marks[i].link {
			scope = append(scope, s.entries[i].Path)
		}
	}
	for _, k := range s.skipped {
		if k.Reason == DanglingLink {
			scope = append(scope, k.Path)
		}
	}
	return normalScope(scope)
}

// normalScope sorts paths and drops those below another.
func normalScope(paths []string) []string {
	slices.Sort(paths)
	paths = slices.Compact(paths)
	if slices.Contains(paths, ".") {
		return []string{"."}
	}
	in := make(pathSet, len(paths))
	return slices.DeleteFunc(paths, func(p string) bool {
		if in.has(p) {
			return true
		}
		in[p] = true
		return false
	})
}

// A pathSet holds paths, each with all below it.
type pathSet map[string]bool

func setOf(paths []string) pathSet {
	s := make(pathSet, len(paths))
	for _, p := range paths {
		s[p] = true
	}
	return s
}

// has reports whether p, or a directory that it lies in, is in the set; "." is no such directory.
func (s pathSet) has(p string) bool {
	for i := range len(p) {
		if p[i] == '/' && s[p[:i]] {
			return true
		}
	}
	return s[p]
}

// covered says of each entry whether it is in scope.
func covered(s *snapshot, scope []string) []bool {
	in := make([]bool, len(s.entries))
	for _, p := range scope {
		from, end := s.below(p)
		for i := from; i < end; i++ {
			in[i] = true
		}
	}
	return in
}

// mergeSkipped is prev without what is in scope, and fresh.
func mergeSkipped(prev []Skipped, scope []string, fresh []Skipped) []Skipped {
	in := setOf(scope)
	all := fresh
	for _, s := range prev {
		if !in["."] && !in.has(s.Path) {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b Skipped) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// sortRecords puts entries in the order of a catalog.
func sortRecords(r []record) {
	slices.SortFunc(r, func(a, b record) int { return strings.Compare(a.Path, b.Path) })
}

// tooMany cuts records to what a catalog can hold.
func tooMany(r []record) ([]record, []Skipped) {
	most := min(len(r), catalog.MaxEntries)
	var skipped []Skipped
	for i := range r[most:] {
		skipped = append(skipped, Skipped{Path: r[most+i].Path, Reason: TooMany})
	}
	return r[:most], skipped
}
